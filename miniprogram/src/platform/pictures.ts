/** A photo from the album or the camera, made small enough to send. */

export interface Picture {
  bytes: ArrayBuffer
  media_type: 'image/jpeg' | 'image/png'
  /** For an image element, on this phone only. */
  source: string
}

/** Why there is no picture: nobody chose one, it is none that is taken, it does not get small enough. */
export class PictureRefused extends Error {
  constructor(readonly reason: 'none' | 'kind' | 'size') {
    super(reason)
  }
}

/** What the first bytes say, whatever the name of the file says. */
export function mediaTypeOf(bytes: ArrayBuffer): Picture['media_type'] | null {
  const first = new Uint8Array(bytes.slice(0, 8))
  const begins = (...with_: number[]) => with_.every((byte, index) => first[index] === byte)
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg'
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png'
  return null
}

/** Tried in turn until the picture is small enough; the sides keep a document readable. */
export const ATTEMPTS = [
  { quality: 80, side_px: 2000 },
  { quality: 60, side_px: 1600 },
  { quality: 45, side_px: 1200 },
  { quality: 30, side_px: 1000 },
]

interface Files {
  readFile(options: { filePath: string; success(answer: { data: ArrayBuffer }): void; fail(): void }): void
}

/** The mini-programs' way: their album, their compression, their file system. */
export async function pickFromAlbum(files: Files, max_bytes: number): Promise<Picture> {
  const { path } = await choose()
  const first = await readBytes(files, path)
  if (mediaTypeOf(first) === null) throw new PictureRefused('kind')
  let found = pictureOf(first, path)
  for (const { quality } of ATTEMPTS) {
    if (found.bytes.byteLength <= max_bytes) return found
    const smaller = await compress(path, quality)
    found = pictureOf(await readBytes(files, smaller), smaller)
  }
  if (found.bytes.byteLength <= max_bytes) return found
  throw new PictureRefused('size')
}

function pictureOf(bytes: ArrayBuffer, source: string): Picture {
  const media_type = mediaTypeOf(bytes)
  if (media_type === null) throw new PictureRefused('kind')
  return { bytes, media_type, source }
}

/** The one picture chosen, by its path; on the web as the file that it is, too. */
export function choose(): Promise<{ path: string; file: unknown }> {
  return new Promise((resolve, reject) => {
    uni.chooseImage({
      count: 1,
      sizeType: ['compressed'],
      success: ({ tempFilePaths, tempFiles }) => {
        const path = tempFilePaths[0]
        if (path) resolve({ path, file: Array.isArray(tempFiles) ? tempFiles[0] : tempFiles })
        else reject(new PictureRefused('none'))
      },
      fail: () => reject(new PictureRefused('none')),
    })
  })
}

function readBytes(files: Files, filePath: string): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    files.readFile({ filePath, success: ({ data }) => resolve(data), fail: () => reject(new PictureRefused('kind')) })
  })
}

function compress(src: string, quality: number): Promise<string> {
  return new Promise((resolve) => {
    uni.compressImage({ src, quality, success: ({ tempFilePath }) => resolve(tempFilePath), fail: () => resolve(src) })
  })
}
