import { answersOfWeChat } from '../prompts'
import { pickFromAlbum } from './pictures'
import { placeByPlatform } from './place'
import { boundedScale, watchMiniProgramNetwork, type Platform } from './platform'
import { scanWithCamera } from './scanning'

interface WeChatApi {
  login(options: { timeout: number; success(answer: { code: string }): void; fail(reason: unknown): void }): void
  getAppBaseInfo?(): { fontSizeScaleFactor?: number }
  getScreenBrightness(options: { success(answer: { value: number }): void; fail(): void }): void
  setScreenBrightness(options: { value: number }): void
  setKeepScreenOn(options: { keepScreenOn: boolean }): void
  onUserCaptureScreen(listener: () => void): void
  offUserCaptureScreen(listener: () => void): void
  /** Absent in WeChat of before 2020. */
  requestSubscribeMessage?(options: { tmplIds: string[]; success(said: Record<string, unknown>): void; fail(): void }): void
  getFileSystemManager(): Parameters<typeof pickFromAlbum>[0]
}

declare const wx: WeChatApi

const LOGIN_TIMEOUT_MS = 10_000

export const wechat: Platform = {
  name: 'wechat',
  drawsHeader: false,
  start: () => undefined,
  watchNetwork: watchMiniProgramNetwork,
  login: () =>
    new Promise((resolve, reject) => {
      wx.login({
        timeout: LOGIN_TIMEOUT_MS,
        success: ({ code }) => resolve({ method: 'wechat', code }),
        fail: reject,
      })
    }),
  fontScale: () => boundedScale(wx.getAppBaseInfo?.().fontSizeScaleFactor ?? 1),
  brighten: () =>
    new Promise((resolve) => {
      wx.setKeepScreenOn({ keepScreenOn: true })
      const sleepAgain = () => wx.setKeepScreenOn({ keepScreenOn: false })
      wx.getScreenBrightness({
        success: ({ value }) => {
          wx.setScreenBrightness({ value: 1 })
          resolve(() => {
            wx.setScreenBrightness({ value })
            sleepAgain()
          })
        },
        fail: () => resolve(sleepAgain),
      })
    }),
  onCapture(listener) {
    wx.onUserCaptureScreen(listener)
    return () => wx.offUserCaptureScreen(listener)
  },
  nameField: () => undefined,
  pickPicture: (max_bytes) => pickFromAlbum(wx.getFileSystemManager(), max_bytes),
  scan: scanWithCamera,
  locate: placeByPlatform,
  askMessages: (template_ids) =>
    new Promise((resolve) => {
      if (wx.requestSubscribeMessage === undefined) return resolve({})
      wx.requestSubscribeMessage({
        tmplIds: template_ids,
        success: (said) => resolve(answersOfWeChat(template_ids, said)),
        fail: () => resolve({}),
      })
    }),
}
