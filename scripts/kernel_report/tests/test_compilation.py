"""What is compiled, and what is known."""

import io
import pathlib
import tempfile
import unittest
import unittest.mock

from kernel_report import cache, catalogue, compilation, progress, toolchain

from .samples import kernel


class Compilers:
    """Those of a family, which only note what they are given."""

    tools = [__file__]

    def __init__(self, refused=None):
        self.refused, self.batches = refused, []

    def compile(self, programs, target, work):
        self.batches.append((target, len(programs)))
        if any(program.text == self.refused for program in programs):
            raise toolchain.CompilerError(f"{self.refused} is refused")
        return [[kernel(f"{target} {program.text}")] for program in programs]


class Compilation(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = unittest.mock.patch.object(cache, "FILE", pathlib.Path(folder.name) / "results.json")
        patch.start()
        self.addCleanup(patch.stop)

    def jobs(self, compilers, count):
        return [
            compilation.Job(compilers, target, catalogue.Program(str(number), "", ())) for target in ("sm_70", "gfx906") for number in range(count)]

    def test_each_once(self):
        compilers = Compilers()
        for _ in range(2):
            found = compilation.kernels(self.jobs(compilers, compilation.BATCH + 1))
            self.assertEqual([one.name for one in found][:2] + [found[-1].name], ["sm_70 0", "sm_70 1", f"gfx906 {compilation.BATCH}"])
        self.assertEqual(sorted(compilers.batches), [("gfx906", 1), ("gfx906", compilation.BATCH), ("sm_70", 1), ("sm_70", compilation.BATCH)])

    def test_afresh(self):
        compilers = Compilers()
        for _ in range(2):
            compilation.kernels(self.jobs(compilers, 1), is_fresh=True)
        self.assertEqual(len(compilers.batches), 4)

    def test_tells_how_many_of_how_many(self):
        told = []
        for _ in range(2):
            compilation.kernels(self.jobs(Compilers(), compilation.BATCH + 1), progress=lambda *numbers: told.append(numbers))
        count = compilation.BATCH + 1
        self.assertEqual(told, [(done, 2 * count) for done in (0, count - 1, count, 2 * count - 1, 2 * count)], "what is known is not compiled")

    def test_what_was_done_before_a_failure_is_kept(self):
        with self.assertRaisesRegex(toolchain.CompilerError, "refused"):
            compilation.kernels(self.jobs(Compilers(refused=str(compilation.BATCH)), compilation.BATCH + 1))
        self.assertEqual(len(cache.Cache().results), compilation.BATCH)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Progress(unittest.TestCase):
    def test_on_a_terminal_a_line_that_is_gone_at_the_end(self):
        stream = Terminal()
        with self.assertRaises(toolchain.CompilerError), progress.shown(stream) as tell:
            tell(16, 40)
            raise toolchain.CompilerError
        self.assertEqual(stream.getvalue(), "\rkernel-report: 16 of 40 programs are compiled\r\033[K")

    def test_elsewhere_nothing(self):
        stream = io.StringIO()
        with progress.shown(stream) as tell:
            tell(16, 40)
        self.assertEqual(stream.getvalue(), "")
