import type { MedicationPlan, TickState } from '../../api/medications'
import { dayOf } from '../../text/moments'

export interface Dose {
  plan_id: string
  item_no: number
  at: string
  state: TickState | null
  drug: string
  dose: string
  unit: string
  meal: string
  note: string
}

export interface DoseTime {
  at: string
  doses: Dose[]
}

/** What is taken on a day, by the time, over all plans that go on. */
export function dosesOf(plans: MedicationPlan[], day: string): DoseTime[] {
  const times = new Map<string, Dose[]>()
  for (const plan of plans.filter((one) => one.is_active)) {
    for (const dose of plan.doses.filter((one) => dayOf(one.at) === day)) {
      const item = plan.items.find((one) => one.item_no === dose.item_no)
      if (item === undefined) continue
      const shown = { ...dose, plan_id: plan.plan_id, drug: item.drug, dose: item.dose, unit: item.unit, meal: item.meal, note: item.note ?? '' }
      times.set(dose.at, [...(times.get(dose.at) ?? []), shown])
    }
  }
  return [...times.entries()].map(([at, doses]) => ({ at, doses })).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

export function isOver(plan: MedicationPlan, now_ms: number): boolean {
  return Date.parse(plan.ends_at) < now_ms
}
