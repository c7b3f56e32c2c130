const fs = require('fs')
const path = require('path')

/** The part of WeChat that the built card page asks for, with a server whose answers the test decides. */

const BUILD = path.join(__dirname, '../../dist/build/mp-weixin')

function requireBuild() {
  if (!fs.existsSync(path.join(BUILD, 'app.json'))) {
    throw new Error('There is no WeChat build to test: run `npm run build:mp-weixin` first.')
  }
  return BUILD
}

/** `server(path, method, body)` answers `{status, body}`; null is a phone without network. */
function installWeChat(stored, server) {
  const asked = []
  const noop = () => undefined
  const screen = { windowWidth: 375, windowHeight: 812, pixelRatio: 2 }
  const system = { platform: 'devtools', language: 'zh_CN', SDKVersion: '3.0.0', ...screen }
  const brightness = []
  const wx = {
    getSystemInfoSync: () => system,
    getAppBaseInfo: () => ({ language: 'zh_CN', SDKVersion: '3.0.0', fontSizeScaleFactor: 1 }),
    getWindowInfo: () => screen,
    getDeviceInfo: () => ({ platform: 'devtools' }),
    getLaunchOptionsSync: () => ({}),
    getEnterOptionsSync: () => ({}),
    canIUse: () => true,
    getStorageSync: (key) => (key in stored ? stored[key] : ''),
    setStorageSync: (key, value) => void (stored[key] = value),
    removeStorageSync: (key) => void delete stored[key],
    setStorage: noop,
    getNetworkType: ({ success }) => success({ networkType: 'wifi' }),
    onNetworkStatusChange: noop,
    onUserCaptureScreen: noop,
    offUserCaptureScreen: noop,
    setNavigationBarTitle: noop,
    pageScrollTo: noop,
    setKeepScreenOn: ({ keepScreenOn }) => brightness.push(keepScreenOn),
    getScreenBrightness: ({ success }) => success({ value: 0.3 }),
    setScreenBrightness: ({ value }) => brightness.push(value),
    request({ url, method, data, success, fail }) {
      asked.push(`${method} ${url}`)
      const answer = server(url, method, typeof data === 'string' && data !== '' ? JSON.parse(data) : data)
      setTimeout(() => {
        if (answer === null) fail({ errMsg: 'request:fail' })
        else success({ statusCode: answer.status, data: answer.body, header: {} })
      }, 0)
    },
  }
  global.wx = Object.assign(global.wx || {}, wx)
  return { asked, brightness }
}

module.exports = { installWeChat, requireBuild }
