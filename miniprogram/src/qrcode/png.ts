import { FixedDeflate } from './deflate'

/** Light modules around the code, as ISO/IEC 18004 asks. */
export const QUIET_MODULES = 4

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * A PNG data URI, black on pure white, quiet zone included, `scale` pixels a module.
 * A picture instead of a canvas: it looks the same in all three builds, never comes up half drawn, and at
 * one picture pixel to one screen pixel it has no blurred edge.
 */
export function pngOf(matrix: boolean[][], scale: number): string {
  const side = (matrix.length + 2 * QUIET_MODULES) * scale
  const bytes = [
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk('IHDR', [...uint32(side), ...uint32(side), 1, 0, 0, 0, 0]),
    ...chunk('IDAT', zlib(matrix, scale)),
    ...chunk('IEND', []),
  ]
  return `data:image/png;base64,${base64(bytes)}`
}

function zlib(matrix: boolean[][], scale: number): number[] {
  const lightRow = packedRow([], matrix.length, scale)
  const stream = new FixedDeflate()
  const checksum = new Adler32()
  const draw = (row: number[], times: number) => {
    for (const byte of row) stream.literal(byte)
    stream.repeat(row.length, row.length * (times - 1))
    for (let time = 0; time < times; time++) row.forEach((byte) => checksum.add(byte))
  }
  draw(lightRow, QUIET_MODULES * scale)
  for (const modules of matrix) draw(packedRow(modules, matrix.length, scale), scale)
  draw(lightRow, QUIET_MODULES * scale)
  return [0x78, 0x01, ...stream.finish(), ...uint32(checksum.value)]
}

/** One line of the picture: the filter byte, then eight pixels a byte, 1 for white. */
function packedRow(modules: boolean[], size: number, scale: number): number[] {
  const width = (size + 2 * QUIET_MODULES) * scale
  const row = [0]
  for (let start = 0; start < width; start += 8) {
    let byte = 0
    for (let x = start; x < start + 8; x++) {
      const dark = modules[Math.floor(x / scale) - QUIET_MODULES] === true
      byte = (byte << 1) | (dark ? 0 : 1)
    }
    row.push(byte)
  }
  return row
}

function chunk(name: string, data: number[]): number[] {
  const named = [...name].map((letter) => letter.charCodeAt(0)).concat(data)
  return [...uint32(data.length), ...named, ...uint32(crc32(named))]
}

function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

function crc32(bytes: number[]): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

class Adler32 {
  private low = 1
  private high = 0

  add(byte: number): void {
    this.low = (this.low + byte) % 65521
    this.high = (this.high + this.low) % 65521
  }

  get value(): number {
    return ((this.high << 16) | this.low) >>> 0
  }
}

function base64(bytes: number[]): string {
  let written = ''
  for (let start = 0; start < bytes.length; start += 3) {
    const three = (bytes[start] << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0)
    const letters = Math.min(bytes.length - start, 3) + 1
    for (let letter = 0; letter < 4; letter++) {
      written += letter < letters ? BASE64[(three >> (18 - 6 * letter)) & 63] : '='
    }
  }
  return written
}
