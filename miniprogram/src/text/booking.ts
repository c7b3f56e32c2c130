import { timeSaid } from './moments'

/** Finding and booking, and what was booked. */
export const booking = {
  signedOut: '登录以后才能约号。',
  kinds: { clinic: '看病挂号', examination: '检查', bed: '住院床位', vaccine: '打疫苗', checkup: '体检' } as Record<string, string>,
  row: '挂号',
  hospitals: {
    title: '去哪家医院',
    emptyTitle: '还没有能约号的医院',
    empty: '医院开通网上约号以后会出现在这里。现在请到医院窗口挂号。',
    others: '不是看病？',
    nothing: '这里没有医院可以网上约。',
  },
  departments: {
    title: '看哪个科',
    lead: '拿不准挂哪个科，可以先问医院的导诊台。',
    next: (day: string) => `${day} 有号`,
    none: '这两周没有号',
    emptyTitle: '现在没有可以约的科室',
    empty: '号都放完了，或医院还没有放号。可以换一家医院看看。',
  },
  slots: {
    title: '哪天、哪个时间',
    days: '选哪一天',
    chosen: (day: string) => `已选 ${day}`,
    doctor: '医生',
    anyDoctor: '不指定医生',
    doctorCalendar: '看他两周的号',
    allDoctors: '看所有医生',
    doctorTitle: (name: string, title: string) => `${name} ${title}`,
    free: (count: number) => `剩 ${count} 个`,
    full: '约满了',
    isFree: '不收费',
    dayFree: (count: number) => (count > 0 ? `${count} 个号` : '没有号'),
    released: (at: string) => `${at} 放号`,
    emptyTitle: '这一天没有号',
    empty: '请换一天看看。两周里的号都在上面。',
    spoken: (time: string, doctor: string, free: string) => `${time}，${doctor}，${free}`,
  },
  old: (at: string) => `医院的系统现在没有回话。下面是 ${at} 的号，可能已经变了，约的时候会再问医院。`,
  confirm: {
    title: '看一看，对不对',
    whose: '给谁约',
    when: '什么时候',
    where: '在哪里',
    who: '哪位医生',
    fee: '费用',
    toPay: (fee: string, minutes: number) => `这个号要付 ${fee}。网上付款还没有开通：约了以后号留 ${minutes} 分钟，要在这之前到医院窗口付。人不在医院，请返回约一个不收费的号。`,
    rule: (until: string) => `${until} 以前可以取消。约了不来，会记一次爽约。`,
    noShows: (count: number, limit: number) => `近来爽约 ${count} 次。满 ${limit} 次，会有一段时间不能网上约号。`,
    blocked: (until: string) => `爽约太多，${until} 以前不能网上约号。急着看病请到窗口挂号。`,
    press: '就约这个号',
    busy: '正在约',
    gone: '这个号不在了，可能刚刚被约走，或医院停诊。请返回换一个。',
    noCard: '要有一张能用的健康卡才能约号。',
  },
  states: {
    holding: '正在等医院回话',
    held: '号留着，还没有付款',
    confirming: '正在等医院回话',
    confirmed: '已约好',
    checked_in: '已签到',
    completed: '已看完',
    released: '没有约成',
    cancelled: '已取消',
    no_show: '没有来',
  } as Record<string, string>,
  /** Why there is no place. */
  because: {
    expired: '到时间没有付款，号已经退回。没有扣钱，可以再约。',
    by_resident: '您已经把号退回。',
    hospital_refused: '医院没有留下这个号。没有扣钱，请换一个时间。',
    full: '这个号约满了。没有扣钱，请换一个时间。',
    closed: '医院停诊了。没有扣钱，请换一个时间。',
    hospital_cancelled: '医院取消了这个号，可能停诊了。没有扣钱，不算爽约，请换一个时间。',
    conflict: '这项检查和另一项不能这样排，号已经退回。没有扣钱，请换一个时间。',
    plan_failed: '同一次排的检查有一项没约上，这一项也退回了。没有扣钱，请重新排。',
    unanswered: '一直没有等到医院回话，号没有约成。没有扣钱，请到窗口挂号。',
    card_ended: '这张卡不能用了，号已经退回。',
    not_paid: '没有付款，号已经退回。没有扣钱，可以再约。',
  } as Record<string, string>,
  done: {
    title: '号已约好',
    waiting: '正在等医院回话',
    waitingLines: ['已经告诉医院，等它回话，一般几秒钟。', '不用再点，也不用守着：约好了会在“消息”里告诉您。'],
    draw: ['刚放号，大家一起约，几秒后抽签决定。', '不用再点。有没有约上，马上告诉您。'],
    held: (fee: string, until: string) => [`请在 ${until} 以前到医院窗口付 ${fee}。`, '网上付款还没有开通。没有付也不要紧：到时间号自动退回，不扣钱，不算爽约。'],
    lines: (place: string, until: string) => [`到了先签到：${place}。`, `要是不能来，${until} 前取消，把号让给别人。`],
    goVisit: '签到、看排队',
    goList: '看我的预约',
    another: '换一个时间',
    prompt: '下一步手机会问能不能给您发提醒，请点“允许”：就诊前一天、快轮到您时会告诉您。',
    failed: '没有约成',
  },
  list: {
    row: '我的预约',
    title: '我的预约',
    which: ['还没到的', '以前的'],
    emptyTitle: '没有预约',
    emptyPast: '以前约过的号会记在这里。',
    empty: '约好的号会出现在这里，时间、科室、诊室都写着。',
    book: '去挂号',
    old: '现在没有网络。下面是刚才看到的。',
  },
  one: {
    title: '预约',
    no: '挂号单号',
    cancel: '取消这个预约',
    rule: (until: string) => `${until} 以前可以取消，不算爽约。`,
    tooLate: (until: string) => `${until} 以后不能在手机上取消了。来不了请打电话告诉医院。`,
    sureTitle: '取消这个预约吗？',
    sure: '取消以后，号会让给别人，再要得重新约。',
    yes: '取消预约',
    no_: '不取消',
    cancelling: '正在取消',
    cancelled: '已经取消，号退回去了。不算爽约。',
    again: '再约一次',
  },
}

/** 8月3日 周一 上午9点，内科门诊 3 号诊室 */
export function saidAppointment(one: { department: string; place: string; starts_at: string }, when: string): string {
  return `${when}，${placed(one)}`
}

/** The room as the hospital names it; with the department when the room does not say. */
export function placed(one: { department: string; place: string }): string {
  return one.place.includes(one.department) || one.department === '' ? one.place || one.department : `${one.department} ${one.place}`
}

/** 上午9点 到 9点半 */
export function span(starts_at: string, ends_at: string): string {
  return `${timeSaid(starts_at)} 到 ${timeSaid(ends_at)}`
}
