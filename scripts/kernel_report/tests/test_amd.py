"""What is read from clang's assembly and remarks."""

import unittest

from kernel_report import amd
from kernel_report.loops import inner_loop

ASSEMBLY = """	.text
	.globl	soma_first
soma_first:                             ; @soma_first
; %bb.0:
	s_load_dword s4, s[6:7], 0x0
	s_cbranch_scc1 .LBB0_3
.LBB0_1:                                ; =>This Inner Loop Header: Depth=1
	global_load_dwordx4 v[0:3], v[4:5], off
	ds_read2_b32 v[6:7], v8 offset1:1
	v_fmac_f32_e32 v0, v1, v2 ; a remark
	s_cbranch_vccnz .LBB0_1
	s_branch .LBB0_3
.LBB0_3:
	s_endpgm
	.p2align	8
.Lfunc_end0:
	.size	soma_first, .Lfunc_end0-soma_first
soma_second:
	s_endpgm
.Lfunc_end1:
"""


def remarks(function, **uses):
    lines = [f"Function Name: {function}"] + [f"    {name}: {number}" for name, number in uses.items()]
    return "".join(f"a.cl:9:1: remark: {line} [-Rpass-analysis=kernel-resource-usage]\n) {{\n^\n" for line in lines)


class Assembly(unittest.TestCase):
    def test_a_kernel_from_its_label_to_its_end(self):
        found = amd.instructions(ASSEMBLY, "soma_first")
        self.assertEqual([one.opcode for one in found], [
            "s_load_dword", "s_cbranch_scc1", "global_load_dwordx4", "ds_read2_b32", "v_fmac_f32_e32", "s_cbranch_vccnz", "s_branch", "s_endpgm"])
        self.assertEqual([one.target for one in found if one.target is not None], [7, 2, 7])
        self.assertEqual([one.opcode for one in found if not one.falls_through], ["s_branch", "s_endpgm"])
        self.assertEqual(len(amd.instructions(ASSEMBLY, "soma_second")), 1)

    def test_its_loop(self):
        loop = inner_loop(amd.instructions(ASSEMBLY, "soma_first"), amd.ISA_AMD)
        self.assertEqual((loop.instructions, loop.fma, loop.global_loads, loop.local_loads), (4, 1, {128: 1}, {64: 1}))

    def test_multiply_adds(self):
        opcodes = ("v_pk_fma_f32", "v_pk_fma_f16", "v_fma_f32", "v_mac_f32_e32", "v_fmaak_f32", "v_fma_f64", "v_add_f32_e32", "v_mad_u32_u24")
        self.assertEqual([amd.ISA_AMD.fma_count(opcode) for opcode in opcodes], [2, 2, 1, 1, 1, 0, 0, 0])

    def test_widths_of_loads(self):
        for opcode, bits in (("global_load_ubyte", 8), ("flat_load_dwordx2", 64), ("buffer_load_dwordx3", 96)):
            self.assertEqual(amd.ISA_AMD.width(amd.ISA_AMD.global_load.match(opcode)), bits, opcode)
        for opcode, bits in (("ds_read_b128", 128), ("ds_read2st64_b32", 64), ("ds_read_u8", 8)):
            self.assertEqual(amd.ISA_AMD.width(amd.ISA_AMD.local_load.match(opcode)), bits, opcode)
        self.assertIsNone(amd.ISA_AMD.global_load.match("s_load_dwordx4"), "arguments are no memory that a kernel works on")


class Remarks(unittest.TestCase):
    LOG = remarks("soma_first", **{"VGPRs": 11, "ScratchSize [bytes/lane]": 0, "VGPRs Spill": 0}) + remarks(
        "soma_second", **{"VGPRs": 256, "ScratchSize [bytes/lane]": 24, "VGPRs Spill": 5})

    def test_each_kernel_has_its_own(self):
        self.assertEqual(amd.usage(self.LOG, "soma_first")["VGPRs"], 11)
        self.assertEqual(amd.usage(self.LOG, "soma_second")["VGPRs"], 256)

    def test_what_is_spilled(self):
        self.assertEqual(amd.spilled_bytes(amd.usage(self.LOG, "soma_first")), 0)
        self.assertEqual(amd.spilled_bytes(amd.usage(self.LOG, "soma_second")), 24)

    def test_what_bounds_the_waves(self):
        uses = {"LDS Size [bytes/block]": 17 << 10, "Occupancy [waves/SIMD]": 3}
        self.assertTrue(amd.local_bounds(uses, 256, "gfx90a"))
        self.assertFalse(amd.local_bounds(uses | {"LDS Size [bytes/block]": 1 << 10}, 256, "gfx90a"))
