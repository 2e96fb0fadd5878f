"""
Tests for the messages of SCRAM.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from hypothesis import example, given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import ClientFirst, NotProved, ScramExchange, ScramKeys
from mycred.error import SASLError

from ..kit.sasl import ScramClient, keysOf

# The conversations of RFC 5802, section 5, and of RFC 7677, section 3: the hash, the
# salt, and the messages.
CONVERSATIONS = (
    (
        "sha1",
        "QSXCR+Q6sek8bf92",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    (
        "sha256",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
)


def prepare(
    first: bytes = b"n,,n=alice,r=clientnonce", binding: bytes = b""
) -> tuple[ScramExchange, ScramClient]:
    """
    Return an exchange with its client, up to the challenge.
    """
    exchange = ScramExchange("sha256", ClientFirst.parse(first), binding)
    client = ScramClient()
    client.final = client.answer(exchange.challenge(keysOf()))
    return exchange, client


class RFCTests(SynchronousTestCase):
    """
    Tests with the conversations of the RFCs.
    """

    def test_conversations(self) -> None:
        """
        The server says what it says there.
        """
        for hash, salt, first, challenge, final, verifier in CONVERSATIONS:
            keys = ScramKeys.derived(hash, b"pencil", b64decode(salt), 4096)
            parsed = ClientFirst.parse(first)
            nonce = challenge[2 : challenge.index(b",")].removeprefix(parsed.nonce)
            exchange = ScramExchange(hash, parsed, nonce=nonce)
            self.assertEqual(exchange.challenge(keys), challenge)
            self.assertEqual(exchange.finish(final), verifier)

    def test_otherKeys(self) -> None:
        """
        With the keys of another password the client has proved nothing.
        """
        for hash, salt, first, challenge, final, _ in CONVERSATIONS:
            keys = ScramKeys.derived(hash, b"Pencil", b64decode(salt), 4096)
            parsed = ClientFirst.parse(first)
            nonce = challenge[2 : challenge.index(b",")].removeprefix(parsed.nonce)
            exchange = ScramExchange(hash, parsed, nonce=nonce)
            exchange.challenge(keys)
            self.assertRaises(NotProved, exchange.finish, final)


class FirstTests(SynchronousTestCase):
    """
    Tests for the client's first message.
    """

    def test_parsed(self) -> None:
        """
        All parts are there, with names unescaped.
        """
        first = ClientFirst.parse(b"p=tls-exporter,a=b=2Cc,n=a=3Db,r=x!~,x=y,z=1=2")
        self.assertEqual(
            first,
            ClientFirst(
                b"p=tls-exporter,a=b=2Cc,",
                "p",
                "tls-exporter",
                b"b,c",
                b"a=b",
                b"x!~",
                b"n=a=3Db,r=x!~,x=y,z=1=2",
            ),
        )

    def test_flags(self) -> None:
        """
        A client knows no channel binding, or thinks that the server knows none.
        """
        for flag in ("n", "y"):
            first = ClientFirst.parse(b"%b,,n=alice,r=x" % flag.encode())
            self.assertEqual((first.flag, first.binding), (flag, ""))

    def test_authzid(self) -> None:
        """
        GNU SASL sends an empty name to act as, and mbsync the name itself.
        """
        for sent, authzid in ((b"", b""), (b"a=", b""), (b"a=alice", b"alice")):
            first = ClientFirst.parse(b"n,%b,n=alice,r=x" % sent)
            self.assertEqual(first.authzid, authzid)

    def test_malformed(self) -> None:
        """
        What isn't in the order and the form of the RFC is refused: mandatory extensions,
        names with other escapes, no name, no nonce, nonces that aren't printable or
        absurdly long.
        """
        for wrong in (
            *(b"", b"n", b"n,", b"n,,", b"n,,n=alice", b"n=alice,r=x", b"n,n=alice,r=x"),
            *(b"x,,n=alice,r=x", b"N,,n=alice,r=x", b"p,,n=alice,r=x", b"p=,,n=a,r=x"),
            *(b"p=tls_unique,,n=a,r=x", b"nn,,n=alice,r=x", b"n,b=x,n=alice,r=x"),
            *(b"n,,m=x,n=alice,r=x", b"n,,r=x,n=alice", b"n,,n=,r=x", b"n,,n=alice,r="),
            *(b"n,,n=a=b,r=x", b"n,,n=a=2c,r=x", b"n,,n=a\0,r=x", b"n,,n=\xff,r=x"),
            *(b"n,a=\xff,n=a,r=x", b"n,,n=a,r=\x80", b"n,,n=a,r=a b", b"n,,n=a,r=x,"),
            *(b"n,,n=a,r=x,m", b"n,,n=a,r=x,=y", b"n,,n=a,r=x,y=", b"n,,n=a,r=x\n"),
            *(b"n,,n=a,r=" + b"x" * 257, b"n,,n=" + b"a" * 1025 + b",r=x"),
            *(b" n,,n=alice,r=x", b"n,,n=alice,r=x,r=y,\0", b"n,,n=a,r=x,y=\0"),
        ):
            self.assertRaises(SASLError, ClientFirst.parse, wrong)

    @given(st.binary(max_size=60) | st.from_regex(rb"[nyp],,n=[a-z=,]{0,9},r=[ -~]*"))
    def test_anything(self, message: bytes) -> None:
        """
        Any bytes are a message, or refused.
        """
        try:
            first = ClientFirst.parse(message)
        except SASLError:
            return
        self.assertEqual(first.header + first.bare, message)


class FinalTests(SynchronousTestCase):
    """
    Tests for the client's last message.
    """

    def test_right(self) -> None:
        """
        A client that knows the password proves it, and so does the server.
        """
        exchange, client = prepare()
        client.answer(exchange.finish(client.final))
        self.assertTrue(client.isTrusted)

    def test_nonces(self) -> None:
        """
        Two conversations never have the same nonce.
        """
        challenges = {prepare()[1].heard[0] for _ in range(20)}
        self.assertEqual(len(challenges), 20)

    def test_otherNonce(self) -> None:
        """
        An answer to another challenge makes no sense, be it that of another login.
        """
        exchange, client = prepare()
        _, other = prepare()
        for wrong in (
            other.final,
            client.final.replace(b"clientnonce", b"Clientnonce"),
            client.final.replace(b",p=", b"x,p="),
        ):
            self.assertRaises(SASLError, exchange.finish, wrong)

    def test_binding(self) -> None:
        """
        All that the client has said of the connection and of whom to act as is compared,
        and so is the binding.
        """
        for first, binding, header in (
            (b"n,,n=alice,r=clientnonce", b"", b"y,,"),
            (b"y,,n=alice,r=clientnonce", b"", b"n,,"),
            (b"n,a=alice,n=alice,r=clientnonce", b"", b"n,,"),
            (b"n,,n=alice,r=clientnonce", b"", b"n,a=alice,"),
            (b"n,,n=alice,r=clientnonce", b"", b"n,,x"),
            (b"p=tls-exporter,,n=alice,r=clientnonce", b"one", b"p=tls-exporter,,two"),
            (b"p=tls-exporter,,n=alice,r=clientnonce", b"one", b"p=tls-exporter,,"),
            (b"p=tls-exporter,,n=alice,r=clientnonce", b"one", b"p=tls-unique,,one"),
        ):
            exchange = ScramExchange("sha256", ClientFirst.parse(first), binding)
            client = ScramClient(header=header)
            final = client.answer(exchange.challenge(keysOf()))
            error = self.assertRaises(NotProved, exchange.finish, final)
            self.assertIn("connection", str(error))

    def test_bound(self) -> None:
        """
        A client that sees the same connection is let in.
        """
        header = b"p=tls-exporter,,"
        first = ClientFirst.parse(header + b"n=alice,r=clientnonce")
        exchange = ScramExchange("sha256", first, b"binding")
        client = ScramClient(header=header, binding=b"binding")
        exchange.finish(client.answer(exchange.challenge(keysOf())))

    def test_extensions(self) -> None:
        """
        Extensions before the proof are passed over, but for mandatory ones; nothing comes
        after the proof.
        """
        exchange, client = prepare()
        bare, proof = client.final.split(b",p=")
        # They are proved as well, which this client doesn't do.
        extended = bare + b",x=y,p=" + proof
        self.assertRaises(NotProved, exchange.finish, extended)
        for wrong in (bare + b",m=y,p=" + proof, client.final + b",x=y"):
            self.assertRaises(SASLError, exchange.finish, wrong)

    def test_malformed(self) -> None:
        """
        What isn't in the order and the form of the RFC is refused, and so are proofs of
        another size, and base64 that isn't the only one.
        """
        exchange, client = prepare()
        bare, proof = client.final.split(b",p=")
        padded = proof.rstrip(b"=")
        for wrong in (
            *(b"", bare, b"p=" + proof, bare + b",p=", bare + b",p=" + padded),
            *(bare + b",p=" + proof + b"=", bare + b",p=" + proof[:-2] + b"==" + proof),
            *(bare + b",p=" + b64encode(b"short"), bare + b",p=====", bare + b",p=!"),
            *(bare[2:] + b",p=" + proof, bare.replace(b"c=biws,", b"") + b",p=" + proof),
            *(bare + b",p=" + proof + b"\n", bare + b"\0,p=" + proof),
            b"r=x,c=biws,p=" + proof,
        ):
            self.assertRaises(SASLError, exchange.finish, wrong)

    def test_oneEncoding(self) -> None:
        """
        The bits that base64 has too many must be zero.
        """
        exchange, client = prepare()
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = client.final[-2]
        self.assertEqual(client.final[-1:], b"=")
        other = alphabet[alphabet.index(last) | 1]
        wrong = client.final[:-2] + bytes([other]) + b"="
        self.assertRaises(SASLError, exchange.finish, wrong)
        exchange.finish(client.final)

    @given(st.binary(max_size=120), st.integers(0, 120), st.integers(0, 120))
    @example(b"", 0, 0)
    def test_anything(self, noise: bytes, start: int, end: int) -> None:
        """
        An answer into which something else was written is refused, and raises nothing
        else.
        """
        exchange, client = prepare()
        final = client.final[:start] + noise + client.final[end:]
        if final != client.final:
            refusals: Any = (SASLError, NotProved)
            self.assertRaises(refusals, exchange.finish, final)
