/// <reference types="vite/client" />
declare module '*.vue' {
  import { DefineComponent } from 'vue'
  const component: DefineComponent<{}, {}, any>
  export default component
}

interface ImportMetaEnv {
  /** Origin of the resident API, such as https://card.example.cn; empty on the web, where pages and API share one. */
  readonly VITE_API_BASE?: string
}
