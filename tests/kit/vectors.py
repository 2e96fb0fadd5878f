"""
Hashes that other programs have made, each with the command that did.

They are htpasswd of Apache 2.4, openssl 3.0, mkpasswd of whois 5.5 on libxcrypt
4.4, doveadm of Dovecot 2.3, slappasswd of OpenLDAP 2.5, argon2 20171227, and PostgreSQL
15.
"""

# ruff: noqa: E501

from __future__ import annotations

#: The schemes that aren't weak.
STRONG = {
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SHA-1-crypt",
    "SHA-256-crypt",
    "SHA-512-crypt",
    "Sun's MD5",
    "argon2",
    "bcrypt",
    "gost-yescrypt",
    "scrypt",
    "yescrypt",
}

#: In no particular encoding.
EIGHT_BIT = b"pa\xc3\x9fw\xf6rt"

#: More than some schemes look at.
LONG = b"a" * 200

#: The command, what it printed, and the password.
VECTORS: list[tuple[str, bytes, bytes]] = [
    (
        "htpasswd -nb -m user password",
        b"$apr1$HtSUpooi$jp.HlG1QHPMJcts90Q7l30",
        b"password",
    ),
    (
        "htpasswd -nb -s user password",
        b"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        b"password",
    ),
    (
        "htpasswd -nb -d user password",
        b"zgkIaxpym/GlU",
        b"password",
    ),
    (
        "htpasswd -nb -2 user password",
        b"$5$X8OiCaKtRSMDmBHO$3twmIHMKW/rhQ5seyoRMEVY7phOB.78gfzshvEIlOH4",
        b"password",
    ),
    (
        "htpasswd -nb -5 user password",
        b"$6$8fGaZk8bJrXxciTm$k07EX0DpBVuqx6WeoCkECLixomTxaozRnMPX5MjPVDOMPOnmBHAKv8Q8bP.q1fuGgpWOr0kQSgpSEaB2h6ogH0",
        b"password",
    ),
    (
        "htpasswd -nb -5 -r 10000 user password",
        b"$6$rounds=10000$AZi5aWmOwNC0Msw2$tLxjCsKQpDUJR1Z4m1sXBRyG7Epsjsd87B8S0pGtVQXMxL1qmLidljAS0XPu2I3ev5.sdlkuh7QyNZtkGMsUr.",
        b"password",
    ),
    (
        "htpasswd -nb -B -C 5 user password",
        b"$2y$05$ni.I10aVbOp0X1c8J.8sa.KKwvKHYPF0NGvC5KO0mEYr5E.Spta4i",
        b"password",
    ),
    (
        "mkpasswd -m nt password",
        b"$3$$8846f7eaee8fb117ad06bdd830b7586c",
        b"password",
    ),
    (
        "mkpasswd -m sunmd5 password",
        b"$md5,rounds=76345$lJPy2M/K$$bldduVsYdThWrp.DAC04n1",
        b"password",
    ),
    (
        "crypt(3): password, $md5$abcdefgh$",
        b"$md5$abcdefgh$$ZxccX5lio58EZKsCI/Peg0",
        b"password",
    ),
    (
        "crypt(3): password, $sha1$24680$saltsalt$",
        b"$sha1$24680$saltsalt$cjWYY8m.GxzIaOChpqX.LIZkGuOY",
        b"password",
    ),
    (
        "openssl passwd -apr1 password",
        b"$apr1$ZL1BCo8H$JUvFosqOh08DohBClns3/0",
        b"password",
    ),
    (
        "openssl passwd -1 password",
        b"$1$qyvFjp0o$I8A39JXpQQ7nr66d6XTVt.",
        b"password",
    ),
    (
        "openssl passwd -5 password",
        b"$5$GxC03E4Ac7Evc1w8$FdrPq0rOs3CNqII/XImVCNAnGGW7P3MuaGPbkR6F9A8",
        b"password",
    ),
    (
        "openssl passwd -6 password",
        b"$6$1pvRKkduBmsss.Fo$EQhVjZboCvPsX0Mzj92KffnPc5xfO5FLV3YzSrr/wQy5vga0s8RcCflxi///md.e.DXxw81D2DgsbvsxHhxpI0",
        b"password",
    ),
    (
        "openssl passwd -6 -salt salt password",
        b"$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g.",
        b"password",
    ),
    (
        "openssl passwd -apr1 -salt ab password",
        b"$apr1$ab$vZXhMKiOqO1yMl8FLQFrs0",
        b"password",
    ),
    (
        "mkpasswd -m descrypt password",
        b"HyKMbELsTMh0.",
        b"password",
    ),
    (
        "mkpasswd -m md5crypt password",
        b"$1$wMt2Ne7m$YyY9/jq7zPmX5VHKkysph1",
        b"password",
    ),
    (
        "mkpasswd -m sha256crypt password",
        b"$5$4o3vXuV9t5kxlfLj$m9ElS47xVfl4n1wwcfuU/MIR.UNUjJ.1kg3h2CVlExA",
        b"password",
    ),
    (
        "mkpasswd -m sha512crypt password",
        b"$6$H3dzFD0CXULB1xOL$qOA4dgnxE3cWk3lFTiT.mgyRtIbnHBl/TMoPsOGAh0rc2cc.JInek5RadS70TH0wSnBvOTBF4nJeCloA7/shy.",
        b"password",
    ),
    (
        "mkpasswd -m scrypt password",
        b"$7$CU..../....cpW1mGnV1ywTo7iEChCmR.$kYtSUOlHGXEQJzgx.CRzXEwBYKKJ/44rm6FO.Zk31oB",
        b"password",
    ),
    (
        "mkpasswd -m yescrypt password",
        b"$y$j9T$gP.lrJ6Oll5BEf64clWps0$sIWUQJVPLuQEzjfsNsVIERzxsoVsjt9YY4UpyzNswTD",
        b"password",
    ),
    (
        "mkpasswd -m gost-yescrypt password",
        b"$gy$j9T$JgvbvBMQ7dH0dQfw2kf3h1$YFKt9RHTPihM.KBbrMLWjc2EI7Cjgi6LG8oF6b0KSf8",
        b"password",
    ),
    (
        "mkpasswd -m bcrypt password",
        b"$2b$05$8cZ0BWatKQjV4ZajkCBhG.qfhT1bbssltTpoXQ4xiNhxgIlotWjMa",
        b"password",
    ),
    (
        "mkpasswd -m bcrypt-a password",
        b"$2a$05$QlofMgbQiv0BhVlRb07W/.ICHiyNjOFBZNV0XGwZUSgejnXhjNBka",
        b"password",
    ),
    (
        "mkpasswd -m sha512crypt -R 1000 password",
        b"$6$rounds=1000$g7/rc2BGnnB9Wj6j$FdCgCVvMVt3O909tBocQhzEzMWv4gdgyX4jbnVlWYjzSksRICt4Kn/iW/wNVDRDQQ0jQMHRJW1ZWemiOUxWmG.",
        b"password",
    ),
    (
        "mkpasswd -m yescrypt -R 1 password",
        b"$y$j75$pY/VPwwDUjgHlTP.t0lnu.$aJOzWiSavzZzBhbMZsfhK3HofXfomSZz1EtU3kiFzE0",
        b"password",
    ),
    (
        "doveadm pw -s PLAIN -p password",
        b"{PLAIN}password",
        b"password",
    ),
    (
        "doveadm pw -s CLEARTEXT -p password",
        b"{CLEARTEXT}password",
        b"password",
    ),
    (
        "doveadm pw -s PLAIN.B64 -p password",
        b"{PLAIN.B64}cGFzc3dvcmQ=",
        b"password",
    ),
    (
        "doveadm pw -s PLAIN.HEX -p password",
        b"{PLAIN.HEX}70617373776f7264",
        b"password",
    ),
    (
        "doveadm pw -s SHA -p password",
        b"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        b"password",
    ),
    (
        "doveadm pw -s SHA1 -p password",
        b"{SHA1}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        b"password",
    ),
    (
        "doveadm pw -s SSHA -p password",
        b"{SSHA}gHMQzBFcGunWiV4zUiB7cqK3Jt/vynUy",
        b"password",
    ),
    (
        "doveadm pw -s SHA256 -p password",
        b"{SHA256}XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=",
        b"password",
    ),
    (
        "doveadm pw -s SSHA256 -p password",
        b"{SSHA256}kE+Gcqt0s/l+cajksh9JpEdamg1PkSGsNMjUPUmGe9hoYYQD",
        b"password",
    ),
    (
        "doveadm pw -s SHA512 -p password",
        b"{SHA512}sQnzu7wkTrgkQZF+0G1hi5AI3Qmzvv0bXgc5THBqi7mAsdd4Xll27ASbRt9fEyavWi6m0QP9B8lThf+rDKy8hg==",
        b"password",
    ),
    (
        "doveadm pw -s SSHA512 -p password",
        b"{SSHA512}EWQpHcx4q3nN2zWP6GX3DtmBUCuHm7ZFODFEP3Lwyu74F+YSKPC5W919jXZsJxrUUGCOxhefMIfMsXMQk29Da+KMcpk=",
        b"password",
    ),
    (
        "doveadm pw -s SHA.HEX -p password",
        b"{SHA.HEX}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        b"password",
    ),
    (
        "doveadm pw -s SHA256.HEX -p password",
        b"{SHA256.HEX}5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        b"password",
    ),
    (
        "doveadm pw -s SSHA512.HEX -p password",
        b"{SSHA512.HEX}15ae232efe79509f75df377097e6c76c5ad2f6aacc2c6ce70304d211f5b1e0e92ba5bbc6dad9d5ff1f5b34fe99cce253b89306819a371075005ebde008f33edc6e1940f2",
        b"password",
    ),
    (
        "doveadm pw -s SSHA512.B64 -p password",
        b"{SSHA512.B64}gL9GfUUnOYQ1LYgAiCZHIax7FjWM6nreXBmuvezxwHJpHsLkF5Yxp22PTdEA1MqRDLkTqkH7pBhLBXPQ2ThXREYOCrk=",
        b"password",
    ),
    (
        "doveadm pw -s CRYPT -p password",
        b"{CRYPT}$2y$05$dJtvDHyoyNXdKrF8ZEzc0OQtLIZKRVLs5coOFD2v0kHEFxz6bbLxS",
        b"password",
    ),
    (
        "doveadm pw -s DES-CRYPT -p password",
        b"{DES-CRYPT}Me3DZyiLKwOYQ",
        b"password",
    ),
    (
        "doveadm pw -s MD5 -p password",
        b"{MD5}$1$LaIqaOzs$1.E46BG9FwGcnCVJtURt..",
        b"password",
    ),
    (
        "doveadm pw -s MD5-CRYPT -p password",
        b"{MD5-CRYPT}$1$IB/84XAg$JZMNaeBw3FGbrSVfPCNpi1",
        b"password",
    ),
    (
        "doveadm pw -s SHA256-CRYPT -p password",
        b"{SHA256-CRYPT}$5$930S.4w0V8S9.MV3$IERJDs6AoWOAJhKCZ7bc.HEv692UAH5I2kW53qV.xu5",
        b"password",
    ),
    (
        "doveadm pw -s SHA512-CRYPT -p password",
        b"{SHA512-CRYPT}$6$ozuLP0FvwW4qp9Mk$BXNYk2fd2sUWrBgaIKUun5nRWyThbSWoDzZpMpairLEZdszH.D0nS9BYBonG/YOnMB8kofAigHNwsGSAI8bDr0",
        b"password",
    ),
    (
        "doveadm pw -s BLF-CRYPT -p password",
        b"{BLF-CRYPT}$2y$05$AuX4TsC5BOHhLHCdOduWYe.KsszxaYJesqgtO6gHyH4ApepV65Z6O",
        b"password",
    ),
    (
        "doveadm pw -s ARGON2I -r 3 -p password",
        b"{ARGON2I}$argon2i$v=19$m=32768,t=3,p=1$DIRip6iSlYyOqh9e47H3Sg$6HfyFDpqaHTNaFTcP6qI5EhMAAsX2TVYqYrabh8HCjE",
        b"password",
    ),
    (
        "doveadm pw -s ARGON2ID -r 3 -p password",
        b"{ARGON2ID}$argon2id$v=19$m=262144,t=3,p=1$Nc6z4KyIOp0JKyY54kOGeg$27eHq5lpY5P6mGXbhsOaAPkjpFD5Nqn/uZHGskmVuHw",
        b"password",
    ),
    (
        "slappasswd -n -h '{SSHA}' -s password",
        b"{SSHA}LA4+0O1UWx1A2fe5vYrcdftPZ85Do2b1",
        b"password",
    ),
    (
        "slappasswd -n -h '{SHA}' -s password",
        b"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        b"password",
    ),
    (
        "slappasswd -n -h '{CRYPT}' -s password",
        b"{CRYPT}9k9lTOz44eXUE",
        b"password",
    ),
    (
        "printf password | argon2 saltsaltsalt -id -t 1 -k 64 -p 1 -e",
        b"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$hk3MNnowk+g5FQ6vidVZOiILjdY2VIE9DQlZfnbESyo",
        b"password",
    ),
    (
        "printf password | argon2 saltsaltsalt -i -t 1 -k 64 -p 2 -e",
        b"$argon2i$v=19$m=64,t=1,p=2$c2FsdHNhbHRzYWx0$EyGGrrSTcCWiDCG1APVuMpHMLCVEac/DN0Sxe42bTSk",
        b"password",
    ),
    (
        "printf password | argon2 saltsaltsalt -id -t 1 -k 64 -p 1 -v 10 -e",
        b"$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$tFTxYd3d/vcsTUkCtmLDnLHCQkwmrEKv5Kz7EjVHWDs",
        b"password",
    ),
    (
        "htpasswd -nb -m user \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$apr1$Fz/y2UiQ$dwr1l0G.vTLtw8l/450m60",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -m user \"$(printf 'a%.0s' $(seq 200))\"",
        b"$apr1$rjfgesjZ$nWiXsa7rj8F6uENdom.HQ1",
        LONG,
    ),
    (
        "htpasswd -nb -s user \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"{SHA}s/Snj2jAe70hC4Rc9DY2UJuAP0w=",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -s user \"$(printf 'a%.0s' $(seq 200))\"",
        b"{SHA}5hz//g2RlaUl/GzwbKLXcRnCSkA=",
        LONG,
    ),
    (
        "htpasswd -nb -d user \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"yAZnreUSOlXXo",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -d user \"$(printf 'a%.0s' $(seq 200))\"",
        b"jML/1gAcfk63g",
        LONG,
    ),
    (
        "htpasswd -nb -5 user \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$6$YNayP4DmnEqIxeF7$4y.YIaWDYwTMvq7u9/OH8IboqWsQAebZrQvVhe5B5WxlL8AF7mhaSKVLsRydayoAmICXjIl/STdHJdkpuiGWu.",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -5 user \"$(printf 'a%.0s' $(seq 200))\"",
        b"$6$KYN/Y7b.LmbEERHM$WcB1hA9A2awmSCk9C6T0SSrIYeLD5i16dvyX5lAPFFpSn5JTCRuGU93HomGtnqKhZy1vXY5SfdndgXYDO/bjH0",
        LONG,
    ),
    (
        "htpasswd -nb -B user \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$2y$05$EJCPlGrQWE2MdgpQ1Yk.lOjaNXMj6yd6krLTzgiB2RLPeuWyjTQ02",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -B user \"$(printf 'a%.0s' $(seq 200))\"",
        b"$2y$05$lCB6mTUK3aKnlNyYf1BDGuDtTpyJVd1H5LVqVDiYOoFQ4uGYjixau",
        LONG,
    ),
    (
        "openssl passwd -1 \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$1$nfnHaORx$B2JSiJJc6k7pFcRdrYnHM0",
        EIGHT_BIT,
    ),
    (
        "openssl passwd -1 \"$(printf 'a%.0s' $(seq 200))\"",
        b"$1$7s0D9/Ap$HU0FXarxslsTCNj58Cz8w.",
        LONG,
    ),
    (
        "mkpasswd -m yescrypt \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$y$j9T$bWZs3BGtUuq6OQ2CMialz.$YwYXKhKF0nc0646lVywsLeg/fY49crT2OiArtBoKZu8",
        EIGHT_BIT,
    ),
    (
        "mkpasswd -m yescrypt \"$(printf 'a%.0s' $(seq 200))\"",
        b"$y$j9T$ZcZ3fQVm2lwBh7GpXBvoh0$kXSN4ZkzZLBuATuHL1R6HH8ABTlMHPOCl4zIQkHtj76",
        LONG,
    ),
    (
        "mkpasswd -m scrypt \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"$7$CU..../....KoeJ1KWF954aCiCx9Wwm50$/MCsHn4HVT7Yam9sbniEg5sI49nhfJlFDua8XUIub.2",
        EIGHT_BIT,
    ),
    (
        "mkpasswd -m scrypt \"$(printf 'a%.0s' $(seq 200))\"",
        b"$7$CU..../....LKfD9jT0Hiz6lwPm0OB.s0$k7J6BKtzUetMjb6/4CNO9.Y/4fIiGKiOnVfGjidqj82",
        LONG,
    ),
    (
        "doveadm pw -s SSHA512 -p \"$(printf 'pa\\303\\237w\\366rt')\"",
        b"{SSHA512}8FNDfNqAFGnwPu4uapUp+QNH1rKd3qFgEKfUwyOltGvlpb+S8xzC8DWo8vk9f9qLKai5jAKtiLREo+Amxn61PrlO4GQ=",
        EIGHT_BIT,
    ),
    (
        "doveadm pw -s SSHA512 -p \"$(printf 'a%.0s' $(seq 200))\"",
        b"{SSHA512}THwHOprf4pLmC9sAKrSXQYUdkXcw/n8pnAYXsk/6gQR7DV26a/CTn6j1ujaoAhAk/R2TqVTWxmuH52mwT/maR5c1llw=",
        LONG,
    ),
    (
        "printf %s \"$(printf 'pa\\303\\237w\\366rt')\" | argon2 saltsaltsalt -id -t 1 -k 64 -p 1 -e",
        b"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$/7jaxsy2mr5tnAQTxl/eLvKCSbBl1T/OnGbHExoLjNg",
        EIGHT_BIT,
    ),
    (
        "htpasswd -nb -m user ''",
        b"$apr1$Z.4Jff2f$Mu4kHZReZTrgaVAbj1T1X0",
        b"",
    ),
    (
        "htpasswd -nb -s user ''",
        b"{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        b"",
    ),
    (
        "htpasswd -nb -d user ''",
        b"/gH6roYnd0VSE",
        b"",
    ),
    (
        "htpasswd -nb -5 user ''",
        b"$6$vnH8p8zDrQHqNBKW$xkcZt86qBX7SaDtz/BJ.4ldEWSIt48sHn6MkKrBiW2dqXP7iCiYM0.wpQ9is/HfEs4q4EFt1ekdLLO0uaBof8/",
        b"",
    ),
    (
        "htpasswd -nb -B user ''",
        b"$2y$05$EIvZKMbNeVZdokOdVXnAheUH0vVDH9jHA0PlEsIRxlgKFP7bppFNC",
        b"",
    ),
    (
        "printf '\\n' | openssl passwd -1 -stdin",
        b"$1$pAbd2h6m$Rv0BDRDpXCZ5.AEBSl0op/",
        b"",
    ),
    (
        "perl -e 'print crypt(\"password\", q($2x$05$/OK.fbVrR/bpIqNJ5ianF.))'",
        b"$2x$05$/OK.fbVrR/bpIqNJ5ianF.l.TBDAibFW.sOHlvKHwmGrkm1nQj2YC",
        b"password",
    ),
    (
        "perl -e 'print crypt(\"\\xff\\xff\\xa3\", q($2x$05$/OK.fbVrR/bpIqNJ5ianF.))'",
        b"$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
        b"\xff\xff\xa3",
    ),
    (
        "perl -e 'print crypt(\"\\xff\\xff\\xa3\", q($2a$05$/OK.fbVrR/bpIqNJ5ianF.))'",
        b"$2a$05$/OK.fbVrR/bpIqNJ5ianF.nqd1wy.pTMdcvrRWxyiGL2eMz.2a85.",
        b"\xff\xff\xa3",
    ),
    (
        "perl -e 'print crypt(\"\\xff\\xff\\xa3\", q($2y$05$/OK.fbVrR/bpIqNJ5ianF.))'",
        b"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
        b"\xff\xff\xa3",
    ),
    (
        "doveadm pw -s SCRAM-SHA-256 -p password",
        b"{SCRAM-SHA-256}4096,e61E+fOs9Lgj1Cbe7pDGcg==,5oB9fZ+/K1q8+y8j88CYuga9ZgpcpZIh5YikKSLhOj0=,IhejT54oF+bsZT6AcLqYgH1FBs1uMsRG9kXmik01EHg=",
        b"password",
    ),
    (
        "doveadm pw -s SCRAM-SHA-256 -p password",
        b"{SCRAM-SHA-256}4096,e61E+fOs9Lgj1Cbe7pDGcg==,5oB9fZ+/K1q8+y8j88CYuga9ZgpcpZIh5YikKSLhOj0=,IhejT54oF+bsZT6AcLqYgH1FBs1uMsRG9kXmik01EHg=",
        b"password",
    ),
    (
        "doveadm pw -s SCRAM-SHA-256 -r 5000 -p password",
        b"{SCRAM-SHA-256}4096,t5rcyqQx/MDccYJqVdUkWQ==,APtl5WxlLJkofiwQVmAu6qrx1CIOoqi0nsd4FqOPPBA=,+b40QwDPYy3lDusMfyzbZ5MkS5Ep/TkjsmHOLCsvQCs=",
        b"password",
    ),
    (
        "doveadm pw -s SCRAM-SHA-256 -p pa\xdfw\xf6rt",
        b"{SCRAM-SHA-256}4096,J0VQGWhINnT1tbarEiRuVw==,atBEw3Wm92IxtG3YY+yGhSAdeNy4/mcpYQoF7d1OFF0=,ntx3Nj6IBqnGmosgZc68Qt6MRVf0ZeHrOeJnRYnukwE=",
        "pa\xdfw\xf6rt".encode(),
    ),
    (
        "doveadm pw -s SCRAM-SHA-1 -p password",
        b"{SCRAM-SHA-1}4096,C6FsAp74VY5K9rvVPjVC9A==,zyoP+nRnFex4wf46E/ht8SzyARs=,JhNBtk1lUhBH35OpsD32Kc+bu3o=",
        b"password",
    ),
    (
        "postgres: create role a login password 'password'",
        b"SCRAM-SHA-256$4096:muRstQqODWalhnU1ZdVkuA==$CKUDzh9d8Th7W9Qq3L5flwpz+u6eH6z6X8FeQOM4/qg=:QVrqfNVcr2sLeYlkmBaAkHNEqKaRqRZ4d/8gZ0/JJ10=",
        b"password",
    ),
    (
        "postgres: create role b login password 'pa\xdfw\xf6rt'",
        b"SCRAM-SHA-256$4096:JKjgJD1HTWwHjzzdS057BA==$ovbm9nT9Uhh2Z37UcZBBbbF5zHxi91IiFLhFwDCrA3w=:HKKj2hgwlTCD9OYJxmb2j05vB8HepJ2dQEjN4n6cVYk=",
        "pa\xdfw\xf6rt".encode(),
    ),
    (
        "doveadm pw -s SCRAM-SHA-1 -p password, spelled as in RFC 5803",
        b"SCRAM-SHA-1$4096:C6FsAp74VY5K9rvVPjVC9A==$zyoP+nRnFex4wf46E/ht8SzyARs=:JhNBtk1lUhBH35OpsD32Kc+bu3o=",
        b"password",
    ),
]

#: The same, by what not every system's libcrypt knows.
NEWER = [
    (
        "mkpasswd -m sm3crypt password",
        b"$sm3$YXTRALQBa/OIWavq$prKD81GSvPt8ERXyoXtIRvnAfJOSErXVVEO3kzGdgE7",
        b"password",
    ),
    (
        "mkpasswd -m sm3_yescrypt password",
        b"$sm3y$j9T$A7YW6I98xy4A3z/N3TAJp1$HhjQOGl48NMgY55QuK7BKAAAI6tjzLutf3/gzqByYCC",
        b"password",
    ),
]
