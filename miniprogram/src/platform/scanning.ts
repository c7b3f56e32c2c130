/** The mini-programs' scanner. Null when nobody held a code before it. */
export function scanWithCamera(): Promise<string | null> {
  return new Promise((resolve) => {
    uni.scanCode({
      onlyFromCamera: true,
      scanType: ['qrCode'],
      success: ({ result }) => resolve(result || null),
      fail: () => resolve(null),
    })
  })
}
