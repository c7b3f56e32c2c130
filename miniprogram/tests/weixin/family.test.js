/** @jest-environment jsdom */
const simulate = require('miniprogram-simulate')
const { installWeChat, requireBuild } = require('./platform')

const person = (name_masked) => ({ name_masked, gender: 'female', id_type: '01', id_no_masked: '991***1234', phone_masked: '139****0001' })
const card = (card_id, relation, name, may) => ({
  card_id, ehealth_card_id: card_id.repeat(64), status: 'active', relation, claimed_at: '2026-11-22T00:00:00Z', person: person(name),
  has_pin: false, shows: 'dynamic', may,
})
const OWN = card('A', 'self', '李*华', ['report_lost', 'freeze'])
const CHILD = card('B', 'child', '王*', ['report_lost', 'freeze', 'remove'])

jest.setTimeout(15_000)

const stored = {}
let wechat
let pageId
let cards
let page

function server(url, method) {
  if (method === 'DELETE') {
    cards = cards.filter((one) => !url.endsWith(`/cards/${one.card_id}`))
    return { status: 204, body: '' }
  }
  return { status: 200, body: { cards } }
}

beforeAll(() => {
  const root = requireBuild()
  stored.session = { token: 'token', expires_at: '2030-01-01T00:00:00Z', account: { account_id: 'a', phone_masked: null } }
  stored.reading = { elder: true, size: 0, asked: true }
  wechat = installWeChat(stored, server)
  let app
  Object.assign(global, {
    App: (options) => (app = options),
    Page: (options) => Component({ data: options.data || {}, methods: options }),
    getApp: () => app,
    getCurrentPages: () => [],
  })
  global.wx.reLaunch = ({ url }) => wechat.asked.push(`reLaunch ${url}`)
  require(`${root}/app.js`)
  app.onLaunch.call(app, { path: 'pages/family/index', query: {} })
  pageId = simulate.load(`${root}/pages/family/index`, 'family-page', { rootPath: root, less: false })
})

beforeEach(async () => {
  delete stored.cards
  cards = [CHILD, OWN]
  page = simulate.render(pageId)
  page.attach(document.body.appendChild(document.createElement('div')))
  page.instance.onShow()
  await simulate.sleep(150)
})
afterEach(() => page.detach())

const all = (test) => [...page.dom.querySelectorAll(`[data-test="${test}"]`)]

async function tap(element) {
  const finger = [{ pageX: 1, pageY: 1 }]
  element.dispatchEvent(Object.assign(new Event('touchstart', { bubbles: true }), { touches: finger, changedTouches: finger }))
  element.dispatchEvent(Object.assign(new Event('touchend', { bubbles: true }), { touches: [], changedTouches: finger }))
  await simulate.sleep(150)
}

test('one tap on a name shows that card', async () => {
  expect(all('member').map((row) => row.getAttribute('data-card'))).toEqual(['A', 'B'])
  await tap(all('show-card')[1])
  expect(stored.cards.chosen).toBe('B')
  expect(wechat.asked).toContain('reLaunch /pages/cards/index')
})

test('only a family member is taken out, and it is asked once', async () => {
  expect(all('remove')).toHaveLength(1)
  await tap(all('remove')[0])
  expect(wechat.asked.some((call) => call.startsWith('DELETE'))).toBe(false)
  await tap(all('remove-yes')[0])
  expect(wechat.asked.some((call) => call.startsWith('DELETE') && call.endsWith('/cards/B'))).toBe(true)
  expect(all('member')).toHaveLength(1)
  expect(all('removed')[0].textContent).toContain('已经移出去了')
})
