// The only conditional compilation of the source: each build holds the one platform it runs on.
import type { Platform } from './platform'
// #ifdef H5
import { web } from './web'
// #endif
// #ifdef MP-WEIXIN
import { wechat } from './wechat'
// #endif
// #ifdef MP-ALIPAY
import { alipay } from './alipay'
// #endif

let chosen: Platform
// #ifdef H5
chosen = web
// #endif
// #ifdef MP-WEIXIN
chosen = wechat
// #endif
// #ifdef MP-ALIPAY
chosen = alipay
// #endif

export const platform: Platform = chosen
