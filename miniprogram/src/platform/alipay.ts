import { answersOfAlipay } from '../prompts'
import { pickFromAlbum } from './pictures'
import { placeByPlatform } from './place'
import { boundedScale, watchMiniProgramNetwork, type Platform } from './platform'
import { scanWithCamera } from './scanning'

interface AlipayApi {
  getAuthCode(options: {
    scopes: string[]
    success(answer: { authCode: string }): void
    fail(reason: unknown): void
  }): void
  getSystemInfoSync(): { fontSizeSetting?: number }
  getScreenBrightness(options: { success(answer: { brightness: number }): void; fail(): void }): void
  setScreenBrightness(options: { brightness: number }): void
  setKeepScreenOn(options: { keepScreenOn: boolean }): void
  onUserCaptureScreen(listener: () => void): void
  offUserCaptureScreen(listener: () => void): void
  requestSubscribeMessage(options: {
    entityIds: string[]
    success(answer: { behavior: 'subscribe' | 'cancel'; result?: { subscribeEntityIds?: string[]; subscribedEntityIds?: string[] } }): void
    fail(): void
  }): void
  getFileSystemManager(): Parameters<typeof pickFromAlbum>[0]
}

declare const my: AlipayApi

/** The size that Alipay reports for its standard setting, in pixels. */
const STANDARD_FONT_PX = 16

export const alipay: Platform = {
  name: 'alipay',
  drawsHeader: false,
  start: () => undefined,
  watchNetwork: watchMiniProgramNetwork,
  login: () =>
    new Promise((resolve, reject) => {
      my.getAuthCode({
        scopes: ['auth_base'],
        success: ({ authCode }) => resolve({ method: 'alipay', code: authCode }),
        fail: reject,
      })
    }),
  fontScale: () => boundedScale((my.getSystemInfoSync().fontSizeSetting ?? STANDARD_FONT_PX) / STANDARD_FONT_PX),
  brighten: () =>
    new Promise((resolve) => {
      my.setKeepScreenOn({ keepScreenOn: true })
      const sleepAgain = () => my.setKeepScreenOn({ keepScreenOn: false })
      my.getScreenBrightness({
        success: ({ brightness }) => {
          my.setScreenBrightness({ brightness: 1 })
          resolve(() => {
            my.setScreenBrightness({ brightness })
            sleepAgain()
          })
        },
        fail: () => resolve(sleepAgain),
      })
    }),
  onCapture(listener) {
    my.onUserCaptureScreen(listener)
    return () => my.offUserCaptureScreen(listener)
  },
  nameField: () => undefined,
  pickPicture: (max_bytes) => pickFromAlbum(my.getFileSystemManager(), max_bytes),
  scan: scanWithCamera,
  locate: placeByPlatform,
  askMessages: (template_ids) =>
    new Promise((resolve) => {
      my.requestSubscribeMessage({
        entityIds: template_ids,
        success: ({ result }) => resolve(answersOfAlipay(template_ids, result)),
        fail: () => resolve({}),
      })
    }),
}
