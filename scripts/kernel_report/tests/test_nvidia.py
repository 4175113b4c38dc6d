"""What is read from ptxas's log, an ELF file and nvdisasm's listing."""

import struct
import unittest

from kernel_report import nvidia, toolchain
from kernel_report.loops import Instruction, inner_loop

LISTING = """
	.headerflags	@"EF_CUDA_64BIT_ADDRESS EF_CUDA_SM80 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM80)"
        /*0000*/                   IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28] ;
        /*0010*/               @P0 EXIT ;
        /*0020*/                   HFMA2.MMA R6, -RZ, RZ, 0, 0 ;
        /*0030*/                   LDG.E.128 R4, [R2.64] ;
        /*0040*/                   FFMA R8, R4.reuse, R5, R8 ;
        /*0050*/              @!P0 BRA 0x30 ;
        /*0060*/                   EXIT ;
.L_x_0:
        /*0070*/                   BRA 0x70;
"""

LOG = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'soma_first' for 'sm_80'
ptxas info    : Function properties for soma_first
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 22 registers, used 0 barriers, 460 bytes cmem[0]
ptxas info    : Compiling entry function 'soma_second' for 'sm_80'
ptxas info    : Function properties for soma_second
    8 bytes stack frame, 12 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 128 registers, used 1 barriers, 16896 bytes smem, 460 bytes cmem[0]
"""


class Listing(unittest.TestCase):
    def test_opcodes_and_where_branches_go(self):
        found = nvidia.instructions(LISTING)
        self.assertEqual([one.opcode for one in found], ["IMAD.MOV.U32", "EXIT", "MOV", "LDG.E.128", "FFMA", "BRA", "EXIT", "BRA"])
        self.assertEqual(found[1], Instruction("EXIT", None, True), "where a predicate says so")
        self.assertEqual(found[5], Instruction("BRA", 3, True))
        self.assertEqual([one.falls_through for one in found[6:]], [False, False])
        self.assertEqual(found[7].target, 7)

    def test_its_loop(self):
        loop = inner_loop(nvidia.instructions(LISTING), nvidia.ISA_NVIDIA)
        self.assertEqual((loop.is_loop, loop.instructions, loop.fma, loop.global_loads, loop.local_loads), (True, 3, 1, {128: 1}, {}))

    def test_widths_of_loads(self):
        def width(opcode, pattern):
            match = pattern.match(opcode)
            return match and nvidia.ISA_NVIDIA.width(match)

        for opcode, bits in (("LDG.E", 32), ("LDG.E.64.CONSTANT", 64), ("LDG.E.128", 128), ("LDG.E.U8", 8), ("LD.E", 32)):
            self.assertEqual(width(opcode, nvidia.ISA_NVIDIA.global_load), bits, opcode)
        for opcode, bits in (("LDS", 32), ("LDS.U.128", 128), ("LDS.64", 64), ("LDS.S16", 16)):
            self.assertEqual(width(opcode, nvidia.ISA_NVIDIA.local_load), bits, opcode)
        for opcode in ("LDS.128", "LDC", "LDL", "STG.E"):
            self.assertIsNone(width(opcode, nvidia.ISA_NVIDIA.global_load), opcode)

    def test_multiply_adds(self):
        self.assertEqual([nvidia.ISA_NVIDIA.fma_count(opcode) for opcode in ("FFMA.FTZ", "HFMA2", "FADD", "IMAD")], [1, 2, 0, 0])


class Log(unittest.TestCase):
    def test_each_kernel_has_its_own(self):
        self.assertEqual(nvidia.usage(LOG, "soma_first"), (22, 0, 0))
        self.assertEqual(nvidia.usage(LOG, "soma_second"), (128, 12, 16896))


class Section(unittest.TestCase):
    def test_is_found_by_its_name(self):
        names, code = b"\0.strings\0.text.soma\0", b"0123456789abcdef"
        # A header of 64 bytes, the contents, then the headers of two sections: (name, type, flags, address, offset, size, …).
        table = 64 + len(names) + len(code)
        header = bytes(40) + struct.pack("<Q", table) + bytes(12) + struct.pack("<HH", 2, 0)
        sections = struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, 64, len(names), 0, 0, 0, 0)
        sections += struct.pack("<IIQQQQIIQQ", 10, 1, 0, 0, 64 + len(names), len(code), 0, 0, 0, 0)
        data = header + names + code + sections
        self.assertEqual(nvidia.section(data, ".text.soma"), code)
        with self.assertRaises(toolchain.CompilerError):
            nvidia.section(data, ".text")


class Occupancy(unittest.TestCase):
    def test_what_bounds_it(self):
        self.assertEqual(nvidia.occupancy_bound("sm_80", 256, 128, 16896), (0.25, "registers"))
        self.assertEqual(nvidia.occupancy_bound("sm_80", 256, 32, 48 << 10), (0.375, "local memory"))
        self.assertEqual(nvidia.occupancy_bound("sm_90", 32, 16, 0), (0.5, "groups"))
        self.assertEqual(nvidia.occupancy_bound("sm_70", 256, 32, 0), (1.0, ""))


class Split(unittest.TestCase):
    def test_codes_that_were_read_at_once(self):
        first = [Instruction("BRA", 0), Instruction("EXIT", None, False)]
        self.assertEqual(nvidia.split(first + [Instruction("NOP"), Instruction("BRA", 2)], [2, 2]), [first, [Instruction("NOP"), Instruction("BRA", 0)]])
