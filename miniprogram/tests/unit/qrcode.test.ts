import { inflateSync, crc32 as nodeCrc32 } from 'node:zlib'
import { matrixOf } from '../../src/qrcode/matrix'
import { pngOf, QUIET_MODULES } from '../../src/qrcode/png'

const CODE = `${'AB12'.repeat(16)}:0:01${'6B033F38'}${'0123456789ABCDEF'}${'0F'.repeat(16)}:EHC990001`

interface Png {
  side: number
  rows: number[][]
}

/** Read back with the inflater of the runtime; it checks the Adler sum itself. */
function readPng(uri: string): Png {
  const bytes = Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64')
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const side = bytes.readUInt32BE(16)
  let data = Buffer.alloc(0)
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const named = bytes.subarray(at + 4, at + 8 + length)
    if (nodeCrc32) expect(bytes.readUInt32BE(at + 8 + length)).toBe(nodeCrc32(named))
    if (named.subarray(0, 4).toString() === 'IDAT') data = inflateSync(named.subarray(4))
    at += 12 + length
  }
  const stride = 1 + Math.ceil(side / 8)
  expect(data.length).toBe(stride * side)
  const bit = (row: number, x: number) => (data[row * stride + 1 + (x >> 3)] >> (7 - (x & 7))) & 1
  const rows = Array.from({ length: side }, (_, row) => Array.from({ length: side }, (_, x) => bit(row, x)))
  return { side, rows }
}

test.each([1, 3, 7, 20])('every pixel is its module, at %i pixels a module', (scale) => {
  const matrix = matrixOf(CODE)
  const { side, rows } = readPng(pngOf(matrix, scale))
  expect(side).toBe((matrix.length + 2 * QUIET_MODULES) * scale)
  for (let y = 0; y < side; y++) {
    const modules = matrix[Math.floor(y / scale) - QUIET_MODULES]
    for (let x = 0; x < side; x++) {
      const dark = modules?.[Math.floor(x / scale) - QUIET_MODULES] === true
      if (rows[y][x] !== (dark ? 0 : 1)) throw new Error(`pixel ${x},${y}`)
    }
  }
})

test('a large picture stays small on the wire', () => {
  expect(pngOf(matrixOf(CODE), 20).length).toBeLessThan(20_000)
})

test('upper-case codes are written in alphanumeric mode, which needs fewer modules', () => {
  expect(matrixOf(CODE).length).toBe(41)
  expect(matrixOf(CODE.toLowerCase()).length).toBeGreaterThan(41)
})
