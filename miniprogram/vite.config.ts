import { defineConfig, type Plugin } from 'vite'
import uni from '@dcloudio/vite-plugin-uni'

/** The framework's own styles point at a shadow picture on a server of its maker. A health card asks nobody else. */
function withoutOutsidePictures(): Plugin {
  return {
    name: 'without-outside-pictures',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'asset' || !/\.(css|acss|wxss)$/.test(file.fileName)) continue
        file.source = String(file.source).replace(/url\(["']?https?:[^)]*\)/g, 'none')
      }
    },
  }
}

const isWeb = process.env.UNI_PLATFORM === 'h5'

export default defineConfig({
  // Relative, so that any static server may serve the web build from any folder.
  base: './',
  plugins: [uni(), withoutOutsidePictures()],
  // One file on the web: once the card is on the screen, no page needs the network to open.
  build: isWeb ? { cssCodeSplit: false, rollupOptions: { output: { inlineDynamicImports: true } } } : {},
})
