"""The inner loop of a kernel in machine code, and what it consists of."""

import collections
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Instruction:
    opcode: str
    target: int | None = None  # The place in the list that a branch goes to.
    falls_through: bool = True


@dataclasses.dataclass
class Mix:
    """What a loop consists of. Loads are counted by their width in bits, with those of the loops around it, which feed it."""

    is_loop: bool
    instructions: int
    fma: int
    global_loads: dict
    local_loads: dict

    @property
    def fma_share(self):
        return self.fma / self.instructions if self.instructions else 0.0


def inner_loop(instructions, isa):
    """The innermost loop with the most FMA, or loads where none has any; the whole kernel where it has no loop."""
    everything = set(range(len(instructions)))
    found = [(inner, outer) for outer in loops(instructions, everything) for inner in innermost(instructions, outer)]
    mixes = [mix(instructions, inner, outer, isa, True) for inner, outer in found] or [mix(instructions, everything, everything, isa, False)]
    return max(mixes, key=lambda one: (one.fma, sum(one.global_loads.values()) + sum(one.local_loads.values()), one.instructions))


def innermost(instructions, loop):
    """The loops in a loop that have none in themselves: without its first instruction, where it is entered, a loop falls apart."""
    inside = loops(instructions, loop - {min(loop)})
    return [one for part in inside for one in innermost(instructions, part)] or [loop]


def loops(instructions, places):
    """Sets of places that can reach each other within `places`: strongly connected components (Tarjan 1972)."""

    def successors(place):
        one = instructions[place]
        following = ([place + 1] if one.falls_through else []) + ([one.target] if one.target is not None else [])
        return iter([next for next in following if next in places])

    number, low, stack, on_stack, result = {}, {}, [], set(), []
    for root in sorted(places):
        path = [(root, successors(root))] if root not in number else []
        while path:
            place, rest = path[-1]
            if place not in number:
                number[place] = low[place] = len(number)
                stack.append(place)
                on_stack.add(place)
            following = next(rest, None)
            if following is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[place])
                if low[place] == number[place]:
                    component = set(stack[stack.index(place):])
                    del stack[stack.index(place):]
                    on_stack -= component
                    if len(component) > 1:
                        result.append(component)
            elif following not in number:
                path.append((following, successors(following)))
            elif following in on_stack:
                low[place] = min(low[place], number[following])
    return result


def mix(instructions, inner, outer, isa, is_loop):
    opcodes = [instructions[place].opcode for place in inner]

    def loads(pattern):
        matches = [pattern.match(instructions[place].opcode) for place in outer]
        return dict(collections.Counter(isa.width(match) for match in matches if match))

    fma = sum(isa.fma_count(opcode) for opcode in opcodes)
    # An instruction that does two counts as the two.
    packed = sum(max(isa.fma_count(opcode) - 1, 0) for opcode in opcodes)
    return Mix(is_loop, len(opcodes) + packed, fma, loads(isa.global_load), loads(isa.local_load))


@dataclasses.dataclass(frozen=True)
class ISA:
    """How a family of devices spells what is counted: the multiply-adds of an opcode, loads, and their width by what a pattern matched."""

    fma_count: object
    global_load: re.Pattern
    local_load: re.Pattern
    width: object
