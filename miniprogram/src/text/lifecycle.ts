/** What can be done with a card, before and after. */

interface Deed {
  title: string
  /** On the list. */
  name: string
  hint: string
  /** Before: what happens, what stays. */
  before: string[]
  press: string
  busy: string
  doneTitle: string
  done: string[]
}

const deeds: Record<string, Deed> = {
  report_lost: {
    title: '挂失',
    name: '挂失',
    hint: '手机丢了，或码被别人拿去了',
    before: ['挂失以后，这张卡的码马上不能用，别人截图、打印的也不能用。', '资料不会丢。找到了，随时可以恢复，也可以换一张新码。'],
    press: '马上挂失',
    busy: '正在挂失',
    doneTitle: '已经挂失',
    done: ['这张卡的码从现在起都不能用了。', '找到了，回到健康卡点“恢复使用”。怕码已经被人拿走，就点“换新码”。', '急着看病，带身份证到窗口，一样能看。'],
  },
  freeze: {
    title: '暂停使用',
    name: '暂停使用',
    hint: '暂时不想让人用这张卡',
    before: ['暂停以后，这张卡的码马上不能用。', '资料不会丢，想用时随时恢复。'],
    press: '暂停使用',
    busy: '正在暂停',
    doneTitle: '已经暂停',
    done: ['这张卡的码现在不能用。', '想用时，回到健康卡点“恢复使用”。'],
  },
  reactivate: {
    title: '恢复使用',
    name: '恢复使用',
    hint: '证明是本人，马上就能用',
    before: ['恢复以后，原来的码又能用了，打印过的静态码也能用。', '怕码被别人拿去过，请不要恢复，改成“换新码”。'],
    press: '恢复使用',
    busy: '正在恢复',
    doneTitle: '又可以用了',
    done: ['这张卡恢复了，现在就能出示。'],
  },
  reissue: {
    title: '换新码',
    name: '换新码',
    hint: '旧的码作废，换一个新的',
    before: ['换了以后，旧的码全部作废，打印过的静态码也不能用了，要重新打印。', '姓名、资料、就诊记录都不变。'],
    press: '换新码',
    busy: '正在换新码',
    doneTitle: '新码换好了',
    done: ['旧的码都作废了。现在就能出示新码。'],
  },
  cancel: {
    title: '注销',
    name: '注销这张卡',
    hint: '不再用电子健康卡了',
    before: [
      '注销以后，这张卡不能再用，也不能恢复。要用只能重新领。',
      '医院里的病历不会删，带身份证照样看病。',
      '我们会留着法律规定要留的使用记录，别的资料不再使用。',
    ],
    press: '注销这张卡',
    busy: '正在注销',
    doneTitle: '已经注销',
    done: ['这张卡不能再用了。以后想用，可以重新领一张。'],
  },
}

export const lifecycle = {
  title: '管理这张卡',
  deeds,
  whose: (name: string, relation: string) => `${name}（${relation}）`,
  now: '现在',
  states: {
    pending: '正在核对资料，核对好了才能用。',
    active: '可以用，出示二维码就行。',
    frozen: '暂停使用。码不能用，资料都在，可以恢复。',
    lost: '已经挂失。码不能用，资料都在，可以恢复或换新码。',
    cancelled: '已经注销，不能再用。需要的话可以重新领一张。',
    refused: '没有领成，可以重新填一次。',
  } as Record<string, string>,
  pin: '卡密码',
  pinSet: '已设好',
  pinNone: '还没有设',
  preferences: '出示什么码、谁能看资料',
  cancelSure: '真的要注销吗？',
  cancelLast: '注销后不能恢复。想清楚了，证明是本人，再点下面。',
  cancelGoOn: '我要注销',
  keep: '不注销，返回',
  goCard: '看我的健康卡',
  illegal: '这张卡现在不能这样办，可能刚刚在别处办过了。回到健康卡看看现在的样子。',
  failedTitle: '还没有办成',
  nobody: '找不到这张卡。可能已经移出这个账号了。',
  signedOut: '登录以后才能管理健康卡。',
}

export const factor = {
  title: '证明是本人',
  byPin: '用密码',
  bySms: '用短信',
  ways: '选择怎样证明',
  pin: '输入 6 位密码',
  sendTo: '验证码会发到这张卡的手机。',
  sent: (phone: string) => `验证码已经发到 ${phone}，请看短信。`,
  missingPin: '请输满 6 位密码。',
  missingCode: '请先要验证码，再填短信里的数字。',
  wrongLeft: (left: number) => `不对，请再看一遍。还能试 ${left} 次。`,
}
