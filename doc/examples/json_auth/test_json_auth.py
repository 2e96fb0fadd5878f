import json

from twisted.trial.unittest import SynchronousTestCase

from mycred import hashes, strcred
from mycred.credentials import UsernamePassword
from mycred.error import UnauthorizedLogin


class JSONCheckerTests(SynchronousTestCase):
    def test_login(self):
        path = self.mktemp()
        with open(path, "w") as file:
            json.dump({"alice": hashes.make("sesame", cost=4).decode()}, file)
        checker = strcred.makeChecker(f"json:{path}")
        right = checker.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
        self.assertEqual(self.successResultOf(right), b"alice")
        for name, password in [(b"alice", b"tulip"), (b"eve", b"sesame")]:
            wrong = checker.requestAvatarId(UsernamePassword(name, password))
            self.failureResultOf(wrong, UnauthorizedLogin)
