import { answersOfAlipay, answersOfWeChat, wantedAt } from '../../src/prompts'

const template = (template_id: string, left: number, ...taps: string[]) => ({ template_id, name: template_id, taps, left })

test('the scarcest of a tap are asked for, three at most, and none that last', () => {
  const known = [
    template('visit', 2, 'book'), template('queue', 0, 'book', 'check_in'), template('report', 1, 'book'),
    template('bill', 0, 'book'), template('card', 0, 'card'), template('medicine', 3, 'book'),
  ]
  expect(wantedAt(known, 'book')).toEqual(['queue', 'bill', 'report'])
  expect(wantedAt(known, 'card')).toEqual(['card'])
  expect(wantedAt(known, 'medication')).toEqual([])
  expect(wantedAt(known, null)).toEqual(['queue', 'bill', 'card'])
  expect(wantedAt([template('visit', 3, 'book')], 'book')).toEqual([])
})

test('WeChat says of each template what was said; one that it did not show was not answered', () => {
  const said = { errMsg: 'requestSubscribeMessage:ok', a: 'accept', b: 'reject', c: 'ban', d: 'filter' }
  expect(answersOfWeChat(['a', 'b', 'c', 'd', 'e'], said)).toEqual({ a: true, b: false })
})

test('Alipay lists what was accepted now; what was accepted before is no new message', () => {
  expect(answersOfAlipay(['a', 'b', 'c'], { subscribeEntityIds: ['a'], subscribedEntityIds: ['b'] })).toEqual({ a: true, c: false })
  expect(answersOfAlipay(['a'], undefined)).toEqual({ a: false })
})
