import type { PhonePlace } from '../api/visits'
import type { Answers } from '../prompts'
import type { Picture } from './pictures'

/** What differs between WeChat, Alipay and the web, and nothing else. */

export interface PlatformLogin {
  method: 'wechat' | 'alipay'
  /** One-time code that the server exchanges with the platform. */
  code: string
  /** WeChat only: a one-time code for the phone number, when the resident gave it. */
  phone_code?: string
}

/** Names that the web gives to the native input inside a uni-app field. */
export interface FieldNaming {
  label: string
  autocomplete?: string
}

export interface Platform {
  name: 'web' | 'wechat' | 'alipay'
  /** The mini-programs have a native title bar; the web pages draw their own. */
  drawsHeader: boolean
  /** Once, at launch. */
  start(): void
  /** Tells now and at every change whether the phone believes to have a network. */
  watchNetwork(tell: (isOnline: boolean) => void): void
  /** Null where residents sign in with a phone number and a text message. */
  login: (() => Promise<PlatformLogin>) | null
  /** The platform's own font setting as a factor, 1 when it has none. */
  fontScale(): number
  /** Screen bright and kept on, as far as the platform can; the answer gives both back and may be called once. */
  brighten(): Promise<() => void>
  /** Calls the listener after each screenshot, where the platform tells; the answer stops that. */
  onCapture(listener: () => void): () => void
  /** Gives the field with this `data-test` its accessible name. */
  nameField(test: string, naming: FieldNaming): void
  /** One photo of at most so many bytes; throws PictureRefused when there is none. */
  pickPicture(max_bytes: number): Promise<Picture>
  /** The text of a code held before the camera, null when there was none; null where no page can scan. */
  scan: (() => Promise<string | null>) | null
  /** Where the phone is; null when it may not or cannot say. */
  locate(): Promise<PhonePlace | null>
  /** Asks whether messages of these templates may be sent, at most three, in a tap; no answers when the prompt could
   * not be shown. Null where the platform sends none. */
  askMessages: ((template_ids: string[]) => Promise<Answers>) | null
}

export function watchMiniProgramNetwork(tell: (isOnline: boolean) => void): void {
  uni.getNetworkType({ success: ({ networkType }) => tell(networkType !== 'none') })
  uni.onNetworkStatusChange(({ isConnected }) => tell(isConnected))
}

/** Font settings beyond this break any layout; the resident can still choose a larger size in the settings. */
export const MAX_FONT_SCALE = 1.4

export function boundedScale(scale: number): number {
  return Number.isFinite(scale) && scale > 1 ? Math.min(scale, MAX_FONT_SCALE) : 1
}
