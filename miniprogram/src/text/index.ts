/** Every sentence of the pages, by page. Nothing else in the source is Chinese. */

import { authorization } from './authorization'
import { booking } from './booking'
import { claim } from './claim'
import { examinations } from './examinations'
import { family } from './family'
import { factor, lifecycle } from './lifecycle'
import { medications, reminders } from './medications'
import notices from './notices.json'
import { account, objection } from './objection'
import { pin } from './pin'
import { privacy } from './privacy'
import { visits } from './visits'

export { errorText } from './errors'
export { daySaid, dayShort, moment, timeSaid, whenSaid } from './moments'
export { yuan } from './money'

/** What is agreed to when claiming for oneself, and for somebody else. */
export const claimNotice = notices.claim
export const familyNotice = notices.family

export const text = {
  again: '再试一次',
  back: '返回',
  loading: '正在打开，请稍等',
  offlineTitle: '现在连不上',
  errorTitle: '这一页没有打开',
  signedOutTitle: '请先登录',
  signedOut: '登录以后才能看到自己的内容。字号和长辈版不用登录也能换。',
  goSignIn: '去登录',

  reading: {
    elder: '长辈版',
    elderOn: '长辈版：已打开',
    elderOff: '长辈版：已关闭',
    askTitle: '字要大一点吗？',
    ask: '长辈版（关怀版）字大、按钮大。以后随时可以在这里换。',
    useElder: '用长辈版',
    keepNormal: '不用，就这样',
  },

  signin: {
    title: '登录',
    heading: '登录电子健康卡',
    lead: '看病、挂号、取药，出示一个码就行。',
    phone: '手机号码',
    phonePlaceholder: '11 位手机号码',
    code: '短信验证码',
    codePlaceholder: '6 位数字',
    send: '获取验证码',
    sending: '正在发送',
    sendAgain: (wait_s: number) => `${wait_s} 秒后可再要`,
    sent: '验证码已经发出，请看短信。没收到的话，倒数完可以再要一次。',
    codeMissing: '请填短信里的数字。',
    signIn: '登录',
    busy: '正在登录',
    wechat: '微信一键登录',
    alipay: '支付宝一键登录',
    wechatPhone: '用微信手机号登录',
    withoutPhone: '不给手机号，直接登录',
    phoneHint: '微信会问要不要把手机号给我们：手机号用来找回您的卡。不给也能登录，以后再填。',
    phoneRefused: '没有拿到手机号，也没关系。点“不给手机号，直接登录”，以后可以在设置里填。',
    oneTapHint: '不用记密码。点一下，就用现在这个账号登录。',
    webHint: '不用记密码。第一次登录就是注册。',
  },

  account,
  authorization,
  booking,
  claim,
  examinations,
  factor,
  family,
  lifecycle,
  medications,
  objection,
  pin,
  privacy,
  reminders,
  visits,

  cards: {
    title: '电子健康卡',
    welcomeTitle: '一个码，走遍医院',
    welcome: '挂号、就诊、取药，都出示这一个码。登录后就能领取。',
    emptyTitle: '您还没有健康卡',
    empty: '领一张，以后看病不用再带一叠就诊卡。请准备好身份证，一分钟就好。',
    claim: '领取健康卡',
    codeName: '健康卡二维码',
    enlarge: '放大给工作人员扫',
    shrink: '收起',
    dynamic: '动态码',
    static: '静态码',
    kinds: '选择码的种类',
    left: (left_s: number) => `这个码还能用 ${left_s} 秒`,
    live: '到时间会自动换新码',
    renewing: '正在换新码',
    renewFailed: (left_s: number) => `新码还没有换到，正在再试。现在的码还能用 ${left_s} 秒。`,
    expiredTitle: '这个码已经过期',
    expired: '新码还没有换到，正在再试。',
    expiredOffline: '现在连不上网络，换不到新码。连上后会自动换好。',
    expiredBusy: '正在换新码，请稍等。',
    codeFailedTitle: '码还没有拿到',
    staticTag: '静态码，只用来认人',
    staticLimits: '不能付款，也不能看病历。请不要拍照发给别人。',
    offlineTag: '连不上网络，先用静态码',
    offline: (kept_at: string) => `现在连不上网络，换不到动态码。这是 ${kept_at} 存下的静态码，只用来认人，不能付款，也不能看病历。`,
    keptCard: (kept_at: string) => `系统暂时连不上，下面是 ${kept_at} 的资料。`,
    offlineEmpty: '手机里还没有存下静态码，要连上网络才能显示。请到窗口用身份证办理，一样能看病。',
    captured: '截下来的动态码很快就失效，请不要发给别人。',
    errands: { all: '看病', book: '挂号', appointments: '我的预约', visit: '签到、候诊', examinations: '检查', medications: '吃药提醒', scan: '扫一扫' },
    messages: '消息',
    unread: (count: string) => `${count} 条没看`,
    settings: '设置',
    refresh: '看看办好了没有',
    refreshStopped: '看看恢复了没有',
    family: '家人的卡',
    lost: '挂失',
    lostHint: '手机丢了、码被拿去了',
    manage: '管理这张卡',
    manageHint: '暂停、换新码、密码、隐私',
    relationTag: (relation: string) => `${relation}的卡`,
    reactivate: '恢复使用',
    reissue: '换新码',
    states: {
      pending: ['正在核对您的资料', '资料已经收到，没有丢，不用再填。核对好了就会出现二维码，也会在“消息”里告诉您。急着看病的话，请到窗口用身份证办理。'],
      frozen: ['这张卡暂时停用', '码现在不能用，卡和资料都还在。要用时证明是本人，马上恢复。'],
      lost: ['这张卡已经挂失', '别人不能再用它，资料都还在。找到了可以恢复；怕码被人拿走，就换一个新码。'],
      cancelled: ['这张卡已经注销', '它不能再用了。需要的话可以重新领一张。'],
      refused: ['这次没有领成', '姓名和证件号码没有核对上。可以照着证件重新填一次，或带证件到窗口办理。'],
    } as Record<string, [string, string]>,
    /** Stopped by the centre: nobody lifts that on a phone. */
    stoppedByCentre: ['发卡中心停用了这张卡', '码现在不能用，卡和资料都还在。请带身份证到发卡窗口问清楚，在那里恢复。急着看病，带身份证一样能看。'] as [string, string],
    pending: {
      source: ['正在核对您的资料', '资料已经收到，没有丢，不用再填。核对单位现在忙，忙完自动核对，一般几分钟，最多 1 天。办好了会在“消息”里告诉您。急着看病的话，请到窗口用身份证办理。'],
      review: ['正在请人核对', '资料已经收到，没有丢，不用再填。工作人员会看您交的资料，一般 1 个工作日，明天这个时候再来看看。办好了会在“消息”里告诉您。急着看病的话，请到窗口用身份证办理。'],
    } as Record<string, [string, string]>,
    steps: ['资料收到了', '正在核对', '出二维码'],
    stepsSpoken: '第 2 步，共 3 步：正在核对',
    refusedByReview: ['人工核对没有通过', '工作人员写的原因：'] as [string, string],
    refusedHeld: ['这个人已经有健康卡了', '一个人只有一张卡，不用另办。请再领一次，就能找到原来那张。'] as [string, string],
    refusedUnproven: ['这次没有领成', '交来的资料还不够证明是本人。请再领一次，多填一样：银行卡、短信验证码，或带证件到窗口办理。'] as [string, string],
    refusedNext: '可以照着原因改好，重新领一次，或带证件到窗口办理。',
    claimAgain: '重新领取',
  },

  messages: {
    title: '消息',
    emptyTitle: '还没有消息',
    empty: '领卡的结果，还有每一次用卡在哪里、什么时候、做什么，都会记在这里。',
    unread: '未读',
    where: '在哪里',
    when: '什么时候',
    what: '做什么',
    goCard: '看我的健康卡',
    more: '看更早的消息',
    loadingMore: '正在取更早的消息',
    end: '没有更早的了',
    open: '看详细',
    close: '收起',
    gotIt: '知道了',
    keptNow: '现在没有网络。下面是刚才看到的消息，新的要等连上网络。',
    signedOut: '登录以后才能看到自己的消息。',
  },

  settings: {
    title: '设置',
    reading: '看得清楚',
    elder: '长辈版（关怀版）',
    elderHint: '字大、按钮大，内容一样。',
    size: '字号',
    sizes: ['标准', '大', '特大'],
    sample: '挂号、就诊、取药，出示一个码就行。',
    account: '账号',
    phone: '登录手机',
    changePhone: '换手机号',
    addPhone: '填手机号',
    noPhone: '用平台账号登录',
    about: '关于',
    versionLabel: '版本',
    noticeLabel: '领卡告知书',
    showNotice: '读告知书',
    hideNotice: '收起告知书',
    signOut: '退出登录',
    confirmTitle: '确定退出吗？',
    confirm: '卡不会丢。手机里存的静态码会删掉，下次要重新登录。',
    confirmYes: '退出',
    confirmNo: '不退出',
    leaving: '正在退出',
  },
}
