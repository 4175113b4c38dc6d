"""Which loop of a kernel is judged, and by what."""

import unittest

from kernel_report import amd, nvidia
from kernel_report.loops import Instruction, inner_loop


def program(text):
    """Instructions `OPCODE`, `OPCODE ->PLACE` for a branch that may fall through, `OPCODE =>PLACE` for one that does not."""
    result = []
    for line in text.strip().splitlines():
        words = line.split()
        target = int(words[1][2:]) if len(words) > 1 else None
        result.append(Instruction(words[0], target, not (len(words) > 1 and words[1].startswith("=>")) and words[0] != "EXIT"))
    return result


class InnerLoop(unittest.TestCase):
    def judged(self, text):
        return inner_loop(program(text), nvidia.ISA_NVIDIA)

    def test_inner_of_two_loops_with_the_loads_that_feed_it(self):
        loop = self.judged("MOV\nLDG.E.128\nLDS.128\nFFMA\nFFMA\nIADD3\nBRA ->2\nLDS\nSTS\nBRA ->1\nEXIT")
        self.assertTrue(loop.is_loop)
        self.assertEqual((loop.instructions, loop.fma), (5, 2))
        self.assertEqual((loop.global_loads, loop.local_loads), ({128: 1}, {128: 1}))

    def test_part_of_a_loop_that_stands_behind_it(self):
        loop = self.judged("MOV\nFFMA\nBRA ->5\nBRA ->1\nEXIT\nLDG.E.64\nBRA =>3")
        self.assertEqual((loop.instructions, loop.global_loads), (5, {64: 1}))

    def test_the_loop_with_the_most_multiply_adds(self):
        loop = self.judged("IADD3\nIADD3\nIADD3\nBRA ->0\nFFMA\nBRA ->4\nEXIT")
        self.assertEqual((loop.instructions, loop.fma, loop.fma_share, loop.work_share, loop.is_packed), (2, 1, 0.5, 0.5, False))

    def test_no_loop(self):
        # A kernel ends with a branch to itself.
        loop = self.judged("LDG.E\nFFMA\nEXIT\nBRA =>3")
        self.assertFalse(loop.is_loop)
        self.assertEqual((loop.instructions, loop.global_loads), (4, {32: 1}))

    def test_loops_beside_each_other_in_a_loop(self):
        loop = self.judged("MOV\nLDS\nBRA ->1\nFFMA\nLDS.64\nBRA ->3\nBRA ->0\nEXIT")
        self.assertEqual((loop.instructions, loop.fma, loop.local_loads), (3, 1, {64: 1}))

    def test_two_in_one_instruction(self):
        loop = inner_loop(program("v_pk_fma_f32\nds_read2_b64\ns_cbranch_scc1 ->0\ns_endpgm"), amd.ISA_AMD)
        self.assertEqual((loop.instructions, loop.fma, loop.multiply_adds, loop.local_loads), (3, 1, 2, {128: 1}))
        self.assertEqual((loop.fma_share, loop.work_share, loop.is_packed), (1 / 3, 0.5, True))
