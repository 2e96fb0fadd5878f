"""
Messages of all kinds.
"""

from __future__ import annotations

from hypothesis import strategies as st

# What messages are made of, good ones and others.
_PIECES = (
    b"Content-Type: |text/plain|text/html|multipart/mixed|multipart/alternative"
    b"|message/rfc822|message/delivery-status|; charset=|utf-8|utf-7|unicode_escape|idna"
    b"|punycode|zip|undefined|\\ud800|+2AA-|; boundary=|; boundary*0*=|a|\n|\n\n|\r|\r\n"
    b"|--a|--a--|--|Subject: |From: |To: |Date: |=?|?q?|?b?|?=|=00|=0A|=D8=00|\xff|\0"
    b"|\x1b|\"|<|>|&|'|@|(|,|:|;|<script>|</style>|<!--|]]>|base64|quoted-printable"
    b"|x-uuencode|begin 644 a|Content-Transfer-Encoding: |Content-Disposition: attachment"
    b"|; filename=|; filename*=|x''|utf-8''|%ff|Sat, 28 Nov 2026 14:03:00 +0100|-9999"
).split(b"|")


#: Messages, as anybody may write them.
messages = st.one_of(
    st.binary(), st.lists(st.sampled_from(_PIECES), max_size=40).map(b"".join)
)
