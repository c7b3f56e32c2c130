import type { Clash, Preparation } from '../api/examinations'

/** Examinations a doctor ordered: when, where, what to do before and after, and why two do not go together. */
export const examinations = {
  title: '检查',
  signedOut: '登录以后才能看检查。',
  emptyTitle: '现在没有要做的检查',
  empty: '医生开了检查，会出现在这里，可以一次把时间都排好。',
  lead: '选要做的，我们帮您排最少跑几趟的时间。',
  incomplete: '有一家医院现在没有回话，它开的检查可能没有列全。',
  choose: '选要做的检查',
  missing: '请至少选一项检查。',
  states: { open: '还没有约', booked: '已约好', done: '做完了', cancelled: '不用做了' } as Record<string, string>,
  before: '怎么准备',
  plan: '帮我排时间',
  planning: '正在排时间',
  trips: (count: number) => (count === 1 ? '跑一趟就能做完' : `要跑 ${count} 趟`),
  book: '就这样约',
  booking: '正在约',
  again: '重新选',
  doneTitle: '检查都约好了',
  done: ['每一项的时间和地点在“我的预约”里，要准备的事到时会提醒您。'],
  goAppointments: '看我的预约',
  noPlanTitle: '排不出来',
  noPlan: '这几项现在排不到一起。可以少选几项，或到检查科问一问。',
  item: (name: string) => name,
}

const hours = (one: Preparation, otherwise: number) => one.hours ?? otherwise

const preparations: Record<string, (one: Preparation) => string> = {
  fasting: (one) => `做之前 ${hours(one, 8)} 小时不要吃东西`,
  no_water: (one) => `做之前 ${hours(one, 4)} 小时不要喝水`,
  full_bladder: (one) => `做之前 ${hours(one, 1)} 小时喝水，憋着尿来`,
  drink_after: () => '做完以后多喝水',
  eat_after: (one) => `做完 ${hours(one, 2)} 小时后才能吃东西`,
  bowel_cleaning: (one) => `做之前 ${hours(one, 12)} 小时按医生给的药清肠`,
  companion: () => '请家人陪着来',
  contrast_before: () => '要打造影剂，对药过敏、肾不好的请先告诉医生',
  no_alcohol: (one) => `做之前 ${hours(one, 24)} 小时不要喝酒`,
  no_antibiotics: (one) => `做之前 ${Math.round(hours(one, 672) / 24)} 天不要吃消炎药，停药先问医生`,
  no_exercise: (one) => `做之前 ${hours(one, 24)} 小时不要剧烈运动`,
  no_metal: () => '身上不要带金属，手表、首饰先取下来',
  no_shower: (one) => `做完 ${hours(one, 24)} 小时不要洗澡`,
  radiation_after: (one) => `做完 ${hours(one, 8)} 小时不要靠近孕妇和小孩`,
  rest: (one) => `做之前先坐 ${one.minutes ?? 10} 分钟`,
  stay_after: (one) => `做完留下观察 ${one.minutes ?? 30} 分钟`,
  tell_implants: () => '装过心脏起搏器、支架、钢板的，先告诉医生',
}

/** What to do before or after; nothing is said of what nobody has words for. */
export function preparationText(one: Preparation): string {
  return preparations[one.code]?.(one) ?? ''
}

/** Why an examination cannot be at that time, in one sentence. */
export function clashText({ reason, name, other_name, parameters }: Clash): string {
  const other = other_name ?? '另一项检查'
  if (reason === 'excluded') {
    const days = Number(parameters.within_days ?? 0)
    return days === 0 ? `${name}和${other}不能在同一天做。` : `${name}和${other}要隔 ${days + 1} 天。`
  }
  if (reason === 'order') return `${name}和${other}要按先后做，这样排反了。`
  if (reason === 'interval') return `${name}和${other}之间要隔 ${parameters.hours} 小时。`
  if (reason === 'overlap') return `${name}和${other}的时间离得太近，来不及走过去。`
  if (reason === 'not_after') return `${name}要在 ${parameters.at} 以前做。`
  if (reason === 'no_time') return `${name}这两周没有空的时间。`
  return `${name}和其他的排不到一起。`
}
