import type { MedicationPlan } from '../../src/api/medications'
import { dosesOf, isOver } from '../../src/pages/medications/doses'

const MORNING = '2026-11-25T23:30:00Z'
const EVENING = '2026-11-26T10:30:00Z'
const TOMORROW = '2026-11-26T23:30:00Z'
const item = (item_no: number, drug: string) => ({
  item_no, drug, dose: '2', unit: '粒', times_a_day: 2, meal: 'after' as const, days: 5, note: null, times: ['07:30', '18:30'],
})
const plan = (plan_id: string, part: Partial<MedicationPlan>): MedicationPlan => ({
  plan_id, card_id: 'c1', institution: '云溪市中医医院', first_on: '2026-11-25', ends_at: '2026-11-30T10:30:00Z', is_active: true,
  items: [item(1, '甲'), item(2, '乙')], meals: { breakfast: '07:00', lunch: '12:00', dinner: '18:00', bedtime: '21:00' },
  doses: [], taken: 0, due: 0, ...part,
})

test('what is taken at one time stands together, over all plans, in the order of the day in China', () => {
  const found = dosesOf(
    [
      plan('p1', { doses: [{ item_no: 1, at: EVENING, state: null }, { item_no: 2, at: MORNING, state: 'taken' }, { item_no: 1, at: TOMORROW, state: null }] }),
      plan('p2', { items: [item(1, '丙')], doses: [{ item_no: 1, at: MORNING, state: null }] }),
    ],
    '2026-11-26',
  )
  expect(found.map((time) => [time.at, time.doses.map((dose) => [dose.plan_id, dose.drug, dose.state])])).toEqual([
    [MORNING, [['p1', '乙', 'taken'], ['p2', '丙', null]]],
    [EVENING, [['p1', '甲', null]]],
  ])
  expect(found[0].doses[0].note).toBe('')
})

test('a plan whose reminders are off, and a medicine that is not in its plan, show nothing', () => {
  const dose = { item_no: 1, at: MORNING, state: null }
  expect(dosesOf([plan('p1', { is_active: false, doses: [dose] })], '2026-11-26')).toEqual([])
  expect(dosesOf([plan('p1', { doses: [{ ...dose, item_no: 9 }] })], '2026-11-26')).toEqual([])
})

test('a plan is over after its last moment', () => {
  const ends_ms = Date.parse('2026-11-30T10:30:00Z')
  expect([isOver(plan('p', {}), ends_ms), isOver(plan('p', {}), ends_ms + 1)]).toEqual([false, true])
})
