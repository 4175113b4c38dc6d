"""The command as it is called."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from kernel_report import catalogue, toolchain

from .samples import needs_writer


class Command(unittest.TestCase):
    def run_it(self, *arguments, stdout=subprocess.PIPE, **environment):
        command = [sys.executable, str(catalogue.ROOT / "scripts/kernel-report"), *arguments]
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, env=os.environ | environment)

    def test_help(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--target", "--kernel", "85%", "77"):
            self.assertIn(word, done.stdout)

    def assertFullDiskIsTold(self, *arguments, **environment):
        with open("/dev/full", "w") as full:
            done = self.run_it(*arguments, stdout=full, **environment)
        self.assertEqual((done.returncode, done.stderr), (1, "kernel-report: standard output: No space left on device\n"))

    def test_full_disk(self):
        self.assertFullDiskIsTold("--help")

    @needs_writer
    def test_full_disk_for_a_report(self):
        self.assertFullDiskIsTold("--skip-build", "--check", PATH="/nowhere")

    def test_a_reader_that_has_seen_enough(self):
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            done = self.run_it("--help", stdout=theirs)
        finally:
            os.close(theirs)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ""))

    @needs_writer
    def test_unknown_names_list_what_there_is(self):
        done = self.run_it("--skip-build", "--target", "sm_10")
        self.assertEqual(done.returncode, 2)
        self.assertIn("gfx90a", done.stderr)
        for unknown, known in (("matmull", "matmul, "), ("matmul-huge", "matmul-large-nn, ")):
            done = self.run_it("--skip-build", "--target", "sm_80", "--kernel", unknown)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1))
            self.assertIn(known, done.stderr)

    @needs_writer
    def test_a_check_without_compilers_is_skipped(self):
        done = self.run_it("--skip-build", "--check", PATH="/nowhere")
        self.assertEqual(done.returncode, 77)
        self.assertEqual(done.stdout.splitlines()[1:], [
            "skipped: sm_70 sm_80 sm_90: there is no clang-14 or newer (Debian: clang-16)",
            "skipped: gfx906 gfx90a gfx1030: there is no clang-14 or newer (Debian: clang-16)"])

    @needs_writer
    def test_a_report_without_compilers_has_failed(self):
        done = self.run_it("--skip-build", "--target", "sm_80", PATH="/nowhere")
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (1, "", 1))


class Fetching(unittest.TestCase):
    def test_offline(self):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PIP_NO_INDEX"] = "1"
            self.addCleanup(os.environ.pop, "PIP_NO_INDEX")
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(toolchain.Unavailable) as caught:
                toolchain.nvidia_tools(os.path.join(folder, "compilers"))
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertIn("cannot be fetched", str(caught.exception))

    def test_what_a_compiler_complains_of(self):
        self.assertEqual(toolchain.complaint("In file a.cl:\na.cl:3:1: error: no\n  ^\n1 error generated.\n"), "a.cl:3:1: error: no")
        self.assertEqual(toolchain.complaint("first\nlast\n\n"), "last")
        self.assertEqual(toolchain.complaint(""), "")
