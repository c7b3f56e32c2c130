import { checkCharacter, idNumberFault, isPhone, isPlausibleName, normalIdNumber, normalPhone } from '../../src/pages/claim/checks'

const TODAY = new Date('2026-11-22T00:00:00Z')
/** Made-up people of region 990101, which does not exist. */
const withCheck = (first17: string) => first17 + checkCharacter(first17)

/** ISO 7064 MOD 11-2 said another way: the weighted sum of all 18 characters leaves 1. */
function leavesOne(number: string): boolean {
  const values = [...number].map((c) => (c === 'X' ? 10 : Number(c)))
  return values.reduce((sum, value) => (sum * 2 + value) % 11, 0) === 1
}

test('a right number passes, with X or a digit at its end', () => {
  const numbers = Array.from({ length: 40 }, (_, n) => withCheck(`99010119900101${String(100 + n)}`))
  expect(numbers.some((number) => number.endsWith('X'))).toBe(true)
  for (const number of numbers) {
    expect(leavesOne(number)).toBe(true)
    expect(idNumberFault(number, TODAY)).toBeNull()
  }
})

test('one wrong digit anywhere is found', () => {
  const right = withCheck('99010119750618402')
  for (let at = 0; at < 18; at++) {
    const digit = right[at] === '1' ? '2' : '1'
    expect(idNumberFault(right.slice(0, at) + digit + right.slice(at + 1), TODAY)).not.toBeNull()
  }
})

test.each([
  ['9901011990010112', 'length'],
  ['', 'length'],
  ['99010119900101A23X', 'characters'],
  ['99010119900101X234', 'characters'],
  [withCheck('99010119900230123'), 'date'],
  [withCheck('99010120270101123'), 'date'],
  [withCheck('99010119001301123'), 'date'],
])('%s is refused for its %s', (number, reason) => {
  expect(idNumberFault(number, TODAY)).toBe(reason)
})

test('fifteen digits of an old card pass, with a real date only', () => {
  expect(idNumberFault('990101530618402', TODAY)).toBeNull()
  expect(idNumberFault('990101530231402', TODAY)).toBe('date')
  expect(idNumberFault('99010153061840X', TODAY)).toBe('characters')
})

test('spaces, small x and full-width digits are understood', () => {
  expect(normalIdNumber(' 990101 1990 0101 12３x ')).toBe('99010119900101123X')
  expect(normalPhone('+86 139 0001 0001')).toBe('13900010001')
})

test('phones and names', () => {
  expect(isPhone('13900010001')).toBe(true)
  expect(isPhone('12900010001')).toBe(false)
  expect(isPhone('1390001000')).toBe(false)
  expect(isPlausibleName('阿依古丽·买买提')).toBe(true)
  expect(isPlausibleName('李')).toBe(false)
  expect(isPlausibleName('李4')).toBe(false)
})
