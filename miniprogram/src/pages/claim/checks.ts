/** What can be seen to be wrong before asking the server, which checks everything again. */

export type DocumentReason = 'length' | 'characters' | 'date' | 'checksum'

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK_CHARACTERS = '10X98765432'

/** As the server wants it: no spaces, a capital X, full-width digits made plain. */
export function normalIdNumber(typed: string): string {
  return toHalfWidth(typed).replace(/[\s-]/g, '').toUpperCase()
}

/** Null if nothing is wrong. Resident ID of GB 11643: 18 characters, or 15 digits of the cards before 1999. */
export function idNumberFault(number: string, today: Date): DocumentReason | null {
  if (number.length !== 18 && number.length !== 15) return 'length'
  if (!/^(\d{15}|\d{17}[\dX])$/.test(number)) return 'characters'
  const birthday = number.length === 18 ? number.slice(6, 14) : `19${number.slice(6, 12)}`
  if (!isPastDate(birthday, today)) return 'date'
  if (number.length === 18 && checkCharacter(number) !== number[17]) return 'checksum'
  return null
}

export function checkCharacter(number: string): string {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(number[index]), 0)
  return CHECK_CHARACTERS[sum % 11]
}

function isPastDate(yyyymmdd: string, today: Date): boolean {
  const [year, month, day] = [yyyymmdd.slice(0, 4), yyyymmdd.slice(4, 6), yyyymmdd.slice(6, 8)].map(Number)
  const date = new Date(Date.UTC(year, month - 1, day))
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal && year >= 1850 && date.getTime() <= today.getTime()
}

export function normalName(typed: string): string {
  return typed.trim()
}

/** Chinese or Latin letters, with the middle dot of minority names; the server knows the rare rest. */
export function isPlausibleName(name: string): boolean {
  return name.length >= 2 && name.length <= 50 && !/[\d<>@#$%&*]/.test(name)
}

export function normalPhone(typed: string): string {
  return toHalfWidth(typed).replace(/[\s-]/g, '').replace(/^\+?86(?=1\d{10}$)/, '')
}

export function isPhone(phone: string): boolean {
  return /^1[3-9]\d{9}$/.test(phone)
}

/** ISO date of a birthday typed as 19530618, 1953-6-18 or 1953年6月18日; null if there was no such day. */
export function birthday(typed: string, today: Date): string | null {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(toHalfWidth(typed).trim()) ?? /^(\d{4})\D+(\d{1,2})\D+(\d{1,2})\D*$/.exec(toHalfWidth(typed).trim())
  if (parts === null) return null
  const [year, month, day] = [parts[1], parts[2].padStart(2, '0'), parts[3].padStart(2, '0')]
  return isPastDate(year + month + day, today) ? `${year}-${month}-${day}` : null
}

/** Full years, as the law counts them: from the birthday on. */
export function ageOn(born_on: string, today: Date): number {
  const [year, month, day] = born_on.split('-').map(Number)
  const had = today.getMonth() + 1 > month || (today.getMonth() + 1 === month && today.getDate() >= day)
  return today.getFullYear() - year - (had ? 0 : 1)
}

/** Types whose number is of the resident ID's form, with birthday, gender and check character. */
export const LIKE_RESIDENT_ID = ['01', '02', '09', '10']

function toHalfWidth(typed: string): string {
  return typed.replace(/[\uff01-\uff5e]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0))
}
