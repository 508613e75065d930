"""Damage done to bytes by dice with a seed."""

import random


def damaged(content, seed):
    """`content` with one of the kinds of damage that disks, networks and strangers do to files."""
    dice = random.Random(seed)
    return dice.choice((_cut, _flip, _flip_the_header, _overwrite, _repeat, _leave_out, _scatter))(
        bytearray(content), dice
    )


def _cut(content, dice):
    return bytes(content[: dice.randrange(1, len(content))])


def _flip(content, dice):
    for _ in range(dice.choice((1, 1, 2, 8, 32))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(content)


def _flip_the_header(content, dice):
    for _ in range(dice.randint(1, 4)):
        content[dice.randrange(min(len(content), 200))] ^= 1 << dice.randrange(8)
    return bytes(content)


def _overwrite(content, dice):
    start, length = dice.randrange(len(content)), dice.choice((1, 2, 4, 64))
    content[start : start + length] = dice.choice((b"\0", b"\xff", dice.randbytes(1))) * length
    return bytes(content)


def _repeat(content, dice):
    start = dice.randrange(len(content))
    block = content[start : start + dice.randint(1, 100)]
    return bytes(content[:start] + block * dice.randint(1, 5) + content[start:])


def _leave_out(content, dice):
    start = dice.randrange(len(content))
    return bytes(content[:start] + content[start + dice.randint(1, 50) :])


def _scatter(content, dice):
    start = dice.randrange(len(content))
    return bytes(content[:start] + dice.randbytes(len(content) - start))
