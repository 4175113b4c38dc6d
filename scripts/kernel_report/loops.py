"""The inner loop of a kernel in machine code, and what it consists of."""

import collections
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Instruction:
    opcode: str
    target: int | None = None  # The place in the list that a branch goes to.
    falls_through: bool = True

    def successors(self, place):
        """The places that may follow when it stands at a place."""
        return ([place + 1] if self.falls_through else []) + ([self.target] if self.target is not None else [])


@dataclasses.dataclass
class Mix:
    """What a loop consists of: instructions as they are issued, of which `fma` multiply and add, and how many multiply-adds these do; a packed
    instruction does two. Loads are counted by their width in bits, those of memory with those of the loops around it, which feed it."""

    is_loop: bool
    instructions: int
    fma: int
    multiply_adds: int
    global_loads: dict
    local_loads: dict

    @property
    def fma_share(self):
        """Of the instructions that are issued."""
        return self.fma / self.instructions if self.instructions else 0.0

    @property
    def work_share(self):
        """Of the work, where a packed instruction counts as the two that it stands for."""
        work = self.instructions - self.fma + self.multiply_adds
        return self.multiply_adds / work if work else 0.0

    @property
    def is_packed(self):
        return self.multiply_adds > self.fma


def inner_loop(instructions, isa):
    """The innermost loop with the most FMA, or loads where none has any; the whole kernel where it has no loop."""
    everything = set(range(len(instructions)))
    found = [(inner, outer) for outer in loops(instructions, everything) for inner in innermost(instructions, outer)]
    mixes = [mix(instructions, inner, outer, isa, True) for inner, outer in found] or [mix(instructions, everything, everything, isa, False)]
    return max(mixes, key=lambda one: (one.multiply_adds, sum(one.global_loads.values()) + sum(one.local_loads.values()), one.instructions))


def innermost(instructions, loop):
    """The loops in a loop that have none in themselves: without its first instruction, where it is entered, a loop falls apart."""
    inside = loops(instructions, loop - {min(loop)})
    return [one for part in inside for one in innermost(instructions, part)] or [loop]


def loops(instructions, places):
    """Sets of places that can reach each other within `places`: strongly connected components of more than one, by two walks (Kosaraju)."""
    forward = {place: [one for one in instructions[place].successors(place) if one in places] for place in places}
    backward = {place: [] for place in places}
    for place, following in forward.items():
        for one in following:
            backward[one].append(place)
    seen = set()
    components = [reached(backward, [place], seen) for place in reversed(reached(forward, sorted(places), set()))]
    return [set(component) for component in components if len(component) > 1]


def reached(edges, starts, seen):
    """What can be reached from the starts and was not seen before, in the order in which a depth-first walk leaves it."""
    order = []
    for start in starts:
        path = [] if start in seen else [(start, iter(edges[start]))]
        seen.add(start)
        while path:
            place, rest = path[-1]
            following = next((one for one in rest if one not in seen), None)
            if following is None:
                order.append(place)
                path.pop()
            else:
                seen.add(following)
                path.append((following, iter(edges[following])))
    return order


def mix(instructions, inner, outer, isa, is_loop):
    opcodes = [instructions[place].opcode for place in inner]

    def loads(pattern, places):
        matches = [pattern.match(instructions[place].opcode) for place in places]
        return dict(collections.Counter(isa.width(match) for match in matches if match))

    counts = [isa.fma_count(opcode) for opcode in opcodes]
    return Mix(is_loop, len(opcodes), sum(count > 0 for count in counts), sum(counts), loads(isa.global_load, outer), loads(isa.local_load, inner))


@dataclasses.dataclass(frozen=True)
class ISA:
    """How a family of devices spells what is counted: the multiply-adds that an opcode does, loads, and their width by what a pattern matched."""

    fma_count: object
    global_load: re.Pattern
    local_load: re.Pattern
    width: object
