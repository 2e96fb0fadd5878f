"""
Certificates of clients, good and bad, and how a login by each of them must end.

L{CASES} is one table for all that verifies them: the checker alone, and behind IMAP, SMTP
and HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Union

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage, NameOID
from hypothesis import strategies

_PEM = serialization.Encoding.PEM
_DAY = timedelta(days=1)
# Python 3.10 has no other name for it.
_UTC = timezone.utc  # noqa: UP017

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_NETSCAPE = x509.ObjectIdentifier("2.16.840.1.113730.1.1")

#: What L{Authority.issue} takes for the alternative names of a certificate.
EMAIL = (x509.RFC822Name("alice@example.org"),)


def upn(value: str) -> x509.OtherName:
    """
    Return a User Principal Name.
    """
    encoded = value.encode("utf-8")
    return x509.OtherName(_UPN, bytes([0x0C, len(encoded)]) + encoded)


def named(*names: str, **more: str) -> x509.Name:
    """
    Return a subject with these common names.

    @param more: other attributes, by their names in L{NameOID}.
    """
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names]
    for oid, value in more.items():
        attributes.append(x509.NameAttribute(getattr(NameOID, oid), value))
    return x509.Name(attributes)


@dataclass(frozen=True)
class Holder:
    """
    One who has a certificate.

    @ivar certificate: the certificate.
    @ivar key: its private key.
    @ivar chain: the certificates of authorities that are sent with it.
    """

    certificate: x509.Certificate
    key: Any
    chain: Sequence[x509.Certificate] = ()

    def save(self, directory: Path) -> tuple[Path, Path]:
        """
        Write the files that clients take: the certificate with its chain, and the key.

        @return: their paths.
        """
        files = directory / "holder.pem", directory / "holder.key"
        files[0].write_bytes(pem(self.certificate, *self.chain))
        plain = serialization.NoEncryption()
        files[1].write_bytes(
            self.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain)
        )
        return files


def pem(*objects: Any) -> bytes:
    """
    Return certificates or lists as a file holds them.
    """
    return b"".join(each.public_bytes(_PEM) for each in objects)


def scribbled(*texts: bytes) -> strategies.SearchStrategy[bytes]:
    """
    Return a strategy for what is left of one of these texts when somebody has scribbled
    on it.
    """
    scribble = strategies.tuples(
        strategies.integers(0, 2**16),
        strategies.binary(max_size=3),
        strategies.booleans(),
    )

    def write(text: bytes, scribbles: list[tuple[int, bytes, bool]]) -> bytes:
        written = bytearray(text)
        for place, new, isOver in scribbles:
            at = place % (len(written) + 1)
            written[at : at + (len(new) if isOver else 0)] = new
        return bytes(written)

    pages = strategies.sampled_from(texts)
    return strategies.builds(write, pages, strategies.lists(scribble, max_size=4))


class Authority(Holder):
    """
    An authority that certifies whatever a test asks it to.
    """

    def issue(
        self,
        subject: x509.Name | None = None,
        alternatives: Sequence[x509.GeneralName] = EMAIL,
        *,
        usage: Sequence[x509.ObjectIdentifier] = (Usage.CLIENT_AUTH,),
        ca: bool = False,
        pathLength: int | None = None,
        since: timedelta = -_DAY,
        until: timedelta = _DAY,
        key: Any = None,
        issuerKey: Any = None,
        hash: Any = hashes.SHA256,
        extensions: Sequence[tuple[Any, bool]] = (),
    ) -> Authority:
        """
        Issue a certificate.

        @param issuerKey: the key that the certificate names as its issuer's.
        @param extensions: other extensions, each with whether it is critical.

        @return: who has it, as one who could be an authority.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(_UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named("alice") if subject is None else subject)
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(ca, pathLength), True)
        )
        for identifier in (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                (issuerKey or self.key).public_key()
            ),
        ):
            builder = builder.add_extension(identifier, False)
        if alternatives:
            names = x509.SubjectAlternativeName(alternatives)
            builder = builder.add_extension(names, False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), False)
        for extension, isCritical in extensions:
            builder = builder.add_extension(extension, isCritical)
        hash = None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hash()
        return Authority(builder.sign(self.key, hash), key, self.sent)

    def certify(self, name: str, **more: Any) -> Authority:
        """
        Issue a certificate to another authority.
        """
        defaults: dict[str, Any] = {"alternatives": (), "usage": (), "ca": True}
        return self.issue(named(name), **{**defaults, **more})

    @property
    def sent(self) -> Sequence[x509.Certificate]:
        """
        What is sent with a certificate by this authority: its own, unless it is a root.
        """
        own = self.certificate
        return () if own.issuer == own.subject else (own, *self.chain)

    def revoking(
        self,
        *revoked: Holder,
        since: timedelta = -_DAY,
        until: timedelta = _DAY,
        hash: Any = hashes.SHA256,
        extensions: Sequence[tuple[Any, bool]] = (),
        entries: Sequence[x509.RevokedCertificate] = (),
    ) -> x509.CertificateRevocationList:
        """
        Return a list of revoked certificates.

        @param extensions: extensions, each with whether it is critical.
        @param entries: others that are revoked.
        """
        now = datetime.now(_UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now + since)
            .next_update(now + until)
        )
        for holder in revoked:
            one = x509.RevokedCertificateBuilder().revocation_date(now + since)
            number = holder.certificate.serial_number
            builder = builder.add_revoked_certificate(one.serial_number(number).build())
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        for extension, isCritical in extensions:
            builder = builder.add_extension(extension, isCritical)
        return builder.sign(self.key, hash())


def root(name: str = "root", key: Any = None, **more: Any) -> Authority:
    """
    Return an authority that certifies itself.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    # With any other certificate for the moment: of that, only the subject counts.
    stub = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(name))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(_UTC))
        .not_valid_after(datetime.now(_UTC) + _DAY)
    )
    unnamed = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    itself = Authority(stub.sign(key, unnamed), key)
    made = itself.certify(name, key=key, **more)
    return Authority(made.certificate, key)


@dataclass
class World:
    """
    What a case is made of.

    @ivar root: the authority that is trusted.
    @ivar office: one that it has certified.
    """

    root: Authority = field(default_factory=root)

    def __post_init__(self) -> None:
        self.office = self.root.certify("office")

    @property
    def other(self) -> Authority:
        """
        Another authority, that nobody trusts.
        """
        return root("other")

    @property
    def twin(self) -> Authority:
        """
        Another authority, of the name of the one that is trusted.
        """
        return root("root")


@dataclass(frozen=True)
class Made:
    """
    One who logs in, and what the server has.

    @ivar holder: who logs in.
    @ivar ca: the certificates of the authorities; the root's, if there are none.
    @ivar crl: the lists of revoked certificates; no file if L{None}.
    @ivar map: what the file of accounts holds; no file if L{None}.
    """

    holder: Holder
    ca: Sequence[x509.Certificate] = ()
    crl: Sequence[x509.CertificateRevocationList] | None = None
    map: bytes | None = None


#: Nothing can be said now.
LATER = "later"


@dataclass(frozen=True)
class Case:
    """
    How a login must end.

    @ivar title: what is special.
    @ivar account: who logs in; L{None} if nobody; L{LATER} if that can't be told now.
    @ivar make: makes the holder, and what the server has.
    @ivar options: the arguments of the checker.
    @ivar authzid: the user to act as.
    """

    title: str
    account: Union[bytes, str, None]
    make: Callable[[World], Made | Holder]
    options: Mapping[str, Any] = field(default_factory=dict)
    authzid: bytes = b""

    def made(self, world: World) -> Made:
        """
        Make what it takes.
        """
        made = self.make(world)
        return Made(made) if isinstance(made, Holder) else made

    def prepare(self, made: Made, world: World, directory: Path) -> dict[str, Any]:
        """
        Write the files of the server.

        @return: the arguments of the checker.
        """
        arguments = {"ca": str(directory / "ca.pem"), **self.options}
        ca = made.ca or (world.root.certificate,)
        (directory / "ca.pem").write_bytes(pem(*ca))
        if made.crl is not None:
            arguments["crl"] = str(directory / "ca.crl")
            (directory / "ca.crl").write_bytes(pem(*made.crl))
        if made.map is not None:
            arguments["map"] = str(directory / "map")
            (directory / "map").write_bytes(made.map)
        return arguments


def _emails(*addresses: str) -> Callable[[World], Holder]:
    """
    Return what makes one with these addresses.
    """
    # The constructor doesn't take what an authority may be tricked into.
    make = x509.RFC822Name._init_without_validation
    return lambda w: w.root.issue(alternatives=list(map(make, addresses)))


def _common(*names: str, **more: str) -> Callable[[World], Holder]:
    """
    Return what makes one with these common names, and nothing else.
    """
    return lambda w: w.root.issue(named(*names, **more), ())


def _with(**arguments: Any) -> Callable[[World], Holder]:
    """
    Return what makes one by these arguments of L{Authority.issue}.
    """
    return lambda w: w.root.issue(**arguments)


@cache
def _keyOf(size: int | None) -> Any:
    """
    Return a key of RSA of this size, in bits, or one of Ed25519; always the same, since
    it takes long to make one.
    """
    if size is None:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, size)


def _keyed(size: int | None) -> Callable[[World], Holder]:
    """
    Return what makes one with such a key.
    """
    return lambda w: w.root.issue(key=_keyOf(size))


def _usage(*names: str) -> x509.KeyUsage:
    """
    Return a key usage of these alone.
    """
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in names for name in every})


def _constraints(**arguments: Any) -> tuple[x509.NameConstraints, bool]:
    """
    Return critical name constraints.
    """
    every: dict[str, Any] = {"permitted_subtrees": None, "excluded_subtrees": None}
    return x509.NameConstraints(**{**every, **arguments}), True


def _revoked(**arguments: Any) -> Callable[[World], Made]:
    """
    Return what makes one who is revoked, by a list made by these arguments.
    """

    def make(world: World) -> Made:
        holder = world.root.issue()
        return Made(holder, crl=[world.root.revoking(holder, **arguments)])

    return make


def _listed(*lists: Callable[[World], Any]) -> Callable[[World], Made]:
    """
    Return what makes one who is good, where the server has these lists.
    """
    return lambda w: Made(w.root.issue(), crl=[each(w) for each in lists])


def _deep(**arguments: Any) -> Callable[[World], Holder]:
    """
    Return what makes one certified by an authority which is certified by these arguments.
    """
    return lambda w: w.root.certify("office", **arguments).issue()


def _officeRevoked(world: World) -> Made:
    """
    Make one certified by an authority that is revoked.
    """
    lists = [world.root.revoking(world.office), world.office.revoking()]
    return Made(world.office.issue(), crl=lists)


def _lackingList(world: World) -> Made:
    """
    Make one certified by an authority of which there is no list.
    """
    return Made(world.office.issue(), crl=[world.root.revoking()])


def _signedBy(hash: Any, algorithm: int) -> Callable[[World], Made]:
    """
    Return what makes one whose certificate is signed by a weak hash, which cryptography
    doesn't do.

    @param algorithm: the last byte of the algorithm's identifier in DER.
    """
    strong = bytes.fromhex("06092a864886f70d01010b")
    weak = strong[:-1] + bytes([algorithm])

    def make(world: World) -> Made:
        authority = root("weak", _keyOf(2048))
        holder = authority.issue()
        certificate = holder.certificate
        signed = certificate.tbs_certificate_bytes.replace(strong, weak)
        signature = authority.key.sign(signed, padding.PKCS1v15(), hash())
        der = certificate.public_bytes(serialization.Encoding.DER).replace(strong, weak)
        der = der[: -len(signature)] + signature
        return Made(
            Holder(x509.load_der_x509_certificate(der), holder.key),
            ca=[authority.certificate],
        )

    return make


def _issuedBy(authority: Authority) -> Made:
    """
    Make one certified by an authority that is trusted, and no other is.
    """
    return Made(authority.issue(), ca=[authority.certificate])


def _rooted(**arguments: Any) -> Callable[[World], Made]:
    """
    Return what makes one certified by a root that is made by these arguments.
    """
    return lambda w: _issuedBy(root(**arguments))


def _unsent(world: World) -> Holder:
    """
    Make one who doesn't send the certificate of their authority.
    """
    holder = world.office.issue()
    return Holder(holder.certificate, holder.key)


def _tooDeep(world: World) -> Holder:
    """
    Make one two authorities below one that may have none below itself.
    """
    return world.root.certify("a", pathLength=0).certify("b").issue()


def _impostor(world: World) -> Holder:
    """
    Make one certified by a user's certificate, which is no authority's.
    """
    user = world.root.issue(named("user"))
    return Authority(user.certificate, user.key, user.chain).issue()


def _mapped(text: bytes) -> Callable[[World], Made]:
    """
    Return what makes one where the server has accounts.
    """
    return lambda w: Made(w.root.issue(), map=text)


def _printed(world: World) -> Made:
    """
    Make one whose fingerprint stands for an account, as openssl writes it.
    """
    holder = world.root.issue()
    digest = holder.certificate.fingerprint(hashes.SHA256())
    text = ":".join(f"{byte:02X}" for byte in digest)
    return Made(holder, map=f"# laptops\n\n{text}  alice\n".encode())


_CN = {"name": "cn"}
_DOMAIN = {"domain": "example.org"}
_ALICE = b"alice@example.org"
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

#: How logins must end.
CASES = [
    Case("a good certificate", _ALICE, _with()),
    Case("one that says nothing of its use", _ALICE, _with(usage=())),
    Case("a key of RSA", _ALICE, _keyed(2048)),
    Case("Ed25519", _ALICE, _keyed(None)),
    Case("a chain of two", _ALICE, _deep()),
    Case("its authority isn't sent", None, _unsent),
    Case(
        "the authority that is trusted is no root",
        _ALICE,
        lambda w: _issuedBy(w.office),
    ),
    Case(
        "only another authority below the same root is trusted",
        None,
        lambda w: Made(w.root.issue(), ca=[w.office.certificate]),
    ),
    # Time.
    Case("expired", None, _with(since=-2 * _DAY, until=-_DAY)),
    Case("not yet valid", None, _with(since=_DAY, until=2 * _DAY)),
    Case("its authority has expired", None, _deep(since=-2 * _DAY, until=-_DAY)),
    Case("the root has expired", None, _rooted(since=-2 * _DAY, until=-_DAY)),
    Case("the root isn't valid yet", None, _rooted(since=_DAY, until=2 * _DAY)),
    Case(
        "the authority that is trusted has expired, and is no root",
        None,
        lambda w: _issuedBy(w.root.certify("old", since=-2 * _DAY, until=-_DAY)),
    ),
    # Revocation.
    Case("not revoked", _ALICE, _listed(lambda w: w.root.revoking(w.office))),
    Case("revoked", None, _revoked()),
    Case("revoked by a stale list", LATER, _revoked(since=-2 * _DAY, until=-_DAY)),
    Case(
        "a stale list",
        LATER,
        _listed(lambda w: w.root.revoking(since=-2 * _DAY, until=-_DAY)),
    ),
    Case(
        "a list that isn't good yet",
        LATER,
        _listed(lambda w: w.root.revoking(since=_DAY, until=2 * _DAY)),
    ),
    Case("a list by another authority", LATER, _listed(lambda w: w.other.revoking())),
    Case("a list with a wrong signature", LATER, _listed(lambda w: w.twin.revoking())),
    Case(
        "a list of changes only",
        LATER,
        _listed(
            lambda w: w.root.revoking(extensions=[(x509.DeltaCRLIndicator(1), True)])
        ),
    ),
    Case(
        "a list with an unknown critical extension",
        LATER,
        _listed(lambda w: w.root.revoking(extensions=[(_UNKNOWN, True)])),
    ),
    Case(
        "a stale list, and a new one",
        _ALICE,
        _listed(
            lambda w: w.root.revoking(since=-2 * _DAY, until=-_DAY),
            lambda w: w.root.revoking(),
        ),
    ),
    Case("its authority is revoked", None, _officeRevoked),
    Case("there is no list by its authority", LATER, _lackingList),
    # Who has issued it.
    Case("another authority", None, lambda w: w.other.issue()),
    Case("another authority of the same name", None, lambda w: w.twin.issue()),
    Case(
        "another authority, that names the key of the right one",
        None,
        lambda w: w.twin.issue(issuerKey=w.root.key),
    ),
    Case("self-signed", None, lambda w: root("alice", ca=False, alternatives=EMAIL)),
    Case("certified by a user", None, _impostor),
    Case("certified by one that isn't marked as an authority", None, _deep(ca=False)),
    Case(
        "an authority that may not certify",
        None,
        _deep(extensions=[(_usage("crl_sign"), True)]),
    ),
    Case("too deep", None, _tooDeep),
    # What it is for.
    Case("for servers", None, _with(usage=[Usage.SERVER_AUTH])),
    Case("for anything", None, _with(usage=[Usage.ANY_EXTENDED_KEY_USAGE])),
    Case("by an authority for servers", None, _deep(usage=[Usage.SERVER_AUTH])),
    Case("an authority's", None, _with(ca=True)),
    Case("the root's own", None, lambda w: Holder(w.root.certificate, w.root.key)),
    Case(
        "a key for encryption",
        None,
        _with(extensions=[(_usage("key_encipherment"), True)]),
    ),
    Case(
        "a server's, as Netscape had it",
        None,
        _with(
            extensions=[
                (x509.UnrecognizedExtension(_NETSCAPE, b"\x03\x02\x06\x40"), False)
            ]
        ),
    ),
    Case("an unknown critical extension", None, _with(extensions=[(_UNKNOWN, True)])),
    # How strong it is.
    Case("a weak key", None, _keyed(1024)),
    Case(
        "a weak key of its authority",
        None,
        lambda w: w.root.certify("x", key=_keyOf(1024)).issue(),
    ),
    Case("signed by SHA-1", None, _signedBy(hashes.SHA1, 5)),
    Case("signed by MD5", None, _signedBy(hashes.MD5, 4)),
    Case("signed by SHA-512", _ALICE, _signedBy(hashes.SHA512, 13)),
    Case("signed by SHA-224", None, _with(hash=hashes.SHA224)),
    Case(
        "a root with a weak key",
        None,
        lambda w: _issuedBy(root("short", _keyOf(1024))),
    ),
    # Constraints of its authority.
    Case(
        "a name that its authority may certify",
        _ALICE,
        _deep(
            extensions=[_constraints(permitted_subtrees=[x509.RFC822Name("example.org")])]
        ),
    ),
    Case(
        "a name that its authority may not certify",
        None,
        _deep(
            extensions=[_constraints(permitted_subtrees=[x509.RFC822Name("example.com")])]
        ),
    ),
    Case(
        "a name that is excluded",
        None,
        _deep(
            extensions=[_constraints(excluded_subtrees=[x509.RFC822Name("example.org")])]
        ),
    ),
    # Names.
    Case("no address", None, _common("alice@example.org")),
    Case(
        "an address in the subject",
        None,
        _common("alice", EMAIL_ADDRESS="alice@example.org"),
    ),
    Case("a common name", b"alice", _common("alice"), _CN),
    Case("two common names", None, _common("alice", "bob"), _CN),
    Case("an address, where the common name counts", None, _with(subject=named()), _CN),
    Case("two addresses", None, _emails("alice@example.org", "bob@example.org")),
    Case("one address twice", None, _emails("alice@example.org", "alice@example.org")),
    Case(
        "two addresses, one of the domain",
        b"alice",
        _emails("alice@example.com", "alice@example.org"),
        _DOMAIN,
    ),
    Case(
        "two addresses, one that matches",
        b"alice",
        _emails("alice@example.com", "alice@example.org"),
        {"match": r"(.+)@example\.org"},
    ),
    Case(
        "two addresses that match",
        None,
        _emails("alice@example.org", "alice@example.com"),
        {"match": r"(.+)@example\.(?:org|com)"},
    ),
    Case("an address of the domain", b"alice", _with(), _DOMAIN),
    Case("the domain in upper case", b"alice", _emails("alice@Example.ORG"), _DOMAIN),
    Case("the name in upper case", b"Alice", _emails("Alice@example.org"), _DOMAIN),
    Case("another domain", None, _emails("alice@example.com"), _DOMAIN),
    Case("a domain below it", None, _emails("alice@sub.example.org"), _DOMAIN),
    Case("a domain that ends alike", None, _emails("alice@bad-example.org"), _DOMAIN),
    Case("a domain that goes on", None, _emails("alice@example.org.bad"), _DOMAIN),
    Case("two signs", None, _emails("alice@bad@example.org"), _DOMAIN),
    Case("nothing before the sign", None, _emails("@example.org"), _DOMAIN),
    Case("a beginning that matches", None, _with(), {"match": "alice"}),
    Case("a NUL", None, _emails("alice\0.bad@example.org")),
    Case("a line's end", None, _emails("alice@example.org\n")),
    Case("a NUL in a common name", None, _common("alice\0bad"), _CN),
    Case("an empty name", None, _emails("")),
    Case("a long name", None, _emails(f"{'a' * 600}@example.org")),
    Case("other letters", "Ålice Žä".encode(), _common("Ålice Žä"), _CN),
    Case("letters that turn others round", None, _common("alice\u202egro"), _CN),
    Case(
        "a letter whose lower case is of ASCII",
        None,
        _with(alternatives=[upn("alice@\u212aa.example")]),
        {"name": "upn", "domain": "ka.example"},
    ),
    Case(
        "a host",
        b"host.example.org",
        _with(alternatives=[x509.DNSName("host.example.org")]),
        {"name": "dns"},
    ),
    Case(
        "a wildcard",
        None,
        _with(alternatives=[x509.DNSName("*.example.org")]),
        {"name": "dns"},
    ),
    Case(
        "a URI",
        b"alice",
        _with(
            alternatives=[x509.UniformResourceIdentifier("spiffe://example.org/alice")]
        ),
        {"name": "uri", "match": "spiffe://example[.]org/([a-z]+)"},
    ),
    Case(
        "a principal",
        b"alice",
        _with(alternatives=[upn("alice@example.org"), *EMAIL]),
        {"name": "upn", **_DOMAIN},
    ),
    Case(
        "another kind of name, with the value of a principal",
        None,
        _with(alternatives=[x509.OtherName(_NETSCAPE, upn("alice").value)]),
        {"name": "upn"},
    ),
    Case(
        "a distinguished name",
        b"O=Example\\, Inc.,CN=alice",
        _common("alice", ORGANIZATION_NAME="Example, Inc."),
        {"name": "dn"},
    ),
    Case(
        "the common name of one in another organization",
        None,
        _common("alice", ORGANIZATION_NAME="Other,O=Example"),
        {"name": "dn", "match": "O=Example,CN=(.*)"},
    ),
    Case("a NUL in a distinguished name", None, _common("alice\0bad"), {"name": "dn"}),
    # Accounts.
    Case("an account", b"al", _mapped(b"alice@example.org al\n")),
    Case("no account", None, _mapped(b"# alice@example.org al\nbob@example.org bob\n")),
    Case(
        "a name in the case of another account's",
        None,
        _mapped(b"Alice@example.org al\n"),
    ),
    Case(
        "two accounts", LATER, _mapped(b"alice@example.org al\nalice@example.org bob\n")
    ),
    Case("a fingerprint", b"alice", _printed, {"name": "fingerprint"}),
    # Who they want to be.
    Case("the own name", _ALICE, _with(), authzid=_ALICE),
    Case("another name", None, _with(), authzid=b"bob"),
    Case("the own name in another case", None, _with(), authzid=b"Alice@example.org"),
    Case("the address, where it is cut off", None, _with(), _DOMAIN, _ALICE),
]
