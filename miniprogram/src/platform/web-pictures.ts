import { ATTEMPTS, choose, mediaTypeOf, PictureRefused, type Picture } from './pictures'

/** The browser's way: a file, drawn smaller on a canvas when it is too large. */
export async function pickFile(max_bytes: number): Promise<Picture> {
  // Read from the file itself: the page's own rules let it fetch from nowhere but its server.
  const { path: source, file } = await choose()
  const bytes = await (file as File).arrayBuffer()
  const media_type = mediaTypeOf(bytes)
  if (media_type === null) throw new PictureRefused('kind')
  if (bytes.byteLength <= max_bytes) return { bytes, media_type, source }
  const image = await draw(source)
  for (const { quality, side_px } of ATTEMPTS) {
    const smaller = await asJpeg(image, side_px, quality / 100)
    if (smaller !== null && smaller.size <= max_bytes) {
      return { bytes: await smaller.arrayBuffer(), media_type: 'image/jpeg', source: URL.createObjectURL(smaller) }
    }
  }
  throw new PictureRefused('size')
}

function draw(source: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => reject(new PictureRefused('kind'))
    image.src = source
  })
}

function asJpeg(image: HTMLImageElement, side_px: number, quality: number): Promise<Blob | null> {
  const scale = Math.min(1, side_px / Math.max(image.naturalWidth, image.naturalHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(image.naturalWidth * scale)
  canvas.height = Math.round(image.naturalHeight * scale)
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality))
}
