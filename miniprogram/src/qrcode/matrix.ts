import qrcode from 'qrcode-generator'

const ALPHANUMERIC = /^[0-9A-Z $%*+\-./:]+$/

/**
 * Rows of modules, true where black, without quiet zone, error correction M.
 * Card codes are upper case on purpose: alphanumeric mode keeps the modules a third larger.
 */
export function matrixOf(text: string): boolean[][] {
  const code = qrcode(0, 'M')
  code.addData(text, ALPHANUMERIC.test(text) ? 'Alphanumeric' : 'Byte')
  code.make()
  const size = code.getModuleCount()
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (_, column) => code.isDark(row, column)),
  )
}
