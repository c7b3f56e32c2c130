/**
 * The little of deflate (RFC 1951) that a picture of big squares needs: fixed codes, literals, and
 * repeats of one given distance. The same text as a plain picture would be twenty times as long.
 */

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]
const LENGTH_EXTRA_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]
const MAX_REPEAT = 258
const MIN_REPEAT = 3

export class FixedDeflate {
  private readonly bytes: number[] = []
  private pending = 0
  private pendingBits = 0

  constructor() {
    this.write(1, 1)
    this.write(1, 2)
  }

  literal(byte: number): void {
    if (byte < 144) this.writeCode(0x30 + byte, 8)
    else this.writeCode(0x190 + byte - 144, 9)
  }

  /** Repeats the `distance` bytes before, for `length` bytes; a rest too short for a repeat is not left over. */
  repeat(distance: number, length: number): void {
    let left = length
    while (left > 0) {
      let run = Math.min(left, MAX_REPEAT)
      if (left > run && left - run < MIN_REPEAT) run -= MIN_REPEAT
      this.match(distance, run)
      left -= run
    }
  }

  /** The finished stream; nothing may be added after it. */
  finish(): number[] {
    this.writeCode(0, 7)
    if (this.pendingBits > 0) this.write(0, 8 - this.pendingBits)
    return this.bytes
  }

  private match(distance: number, length: number): void {
    const lengthIndex = lastNotAbove(LENGTH_BASE, length)
    if (lengthIndex < 23) this.writeCode(lengthIndex + 1, 7)
    else this.writeCode(0xc0 + lengthIndex - 23, 8)
    this.write(length - LENGTH_BASE[lengthIndex], LENGTH_EXTRA_BITS[lengthIndex])
    const distanceIndex = lastNotAbove(DISTANCE_BASE, distance)
    this.writeCode(distanceIndex, 5)
    this.write(distance - DISTANCE_BASE[distanceIndex], Math.max(0, (distanceIndex >> 1) - 1))
  }

  /** Huffman codes go in from their first bit, everything else from its last. */
  private writeCode(code: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) this.write((code >> bit) & 1, 1)
  }

  private write(value: number, bits: number): void {
    this.pending |= value << this.pendingBits
    this.pendingBits += bits
    while (this.pendingBits >= 8) {
      this.bytes.push(this.pending & 0xff)
      this.pending >>>= 8
      this.pendingBits -= 8
    }
  }
}

function lastNotAbove(bases: number[], value: number): number {
  let index = bases.length - 1
  while (bases[index] > value) index--
  return index
}
