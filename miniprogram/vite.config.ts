import { defineConfig } from 'vite'
import uni from '@dcloudio/vite-plugin-uni'

export default defineConfig({
  // Relative, so that any static server may serve the web build from any folder.
  base: './',
  plugins: [uni()],
})
