/** @jest-environment jsdom */
const simulate = require('miniprogram-simulate')
const { installWeChat, requireBuild } = require('./platform')

const PERSON = { name_masked: '李*华', gender: 'female', id_type: '01', id_no_masked: '991***********1234', phone_masked: '139****0001' }
const CARD = { card_id: 'c1', ehealth_card_id: 'AB'.repeat(32), status: 'active', relation: 'self', claimed_at: '2026-11-22T00:00:00Z', person: PERSON }
const LIFE_MS = 1200

jest.setTimeout(15_000)

const stored = {}
let codeAnswer
let cards

function server(url) {
  if (url.includes('/code')) return codeAnswer(url)
  if (url.endsWith('/cards')) return { status: 200, body: { cards } }
  return { status: 200, body: { messages: [], next_cursor: null } }
}

function goodCode(url) {
  const kind = url.endsWith('static') ? 'static' : 'dynamic'
  const issued = new Date()
  const expires_at = kind === 'static' ? null : new Date(issued.getTime() + LIFE_MS).toISOString()
  const text = `${'AB'.repeat(32)}:${kind === 'static' ? '1:' : '0:01AB'}:EHC990001`
  return { status: 200, body: { text, kind, issued_at: issued.toISOString(), expires_at, refresh_seconds: kind === 'static' ? null : LIFE_MS / 1000 } }
}
const refusal = () => ({ status: 503, body: { error: { code: 'code.unavailable' } } })

let wechat
let app
let pageId

beforeAll(() => {
  const root = requireBuild()
  stored.session = { token: 'token', expires_at: '2030-01-01T00:00:00Z', account: { account_id: 'a', phone_masked: null } }
  stored.reading = { elder: false, size: 0, asked: true }
  wechat = installWeChat(stored, server)
  Object.assign(global, {
    App: (options) => (app = options),
    Page: (options) => Component({ data: options.data || {}, methods: options }),
    getApp: () => app,
    getCurrentPages: () => [],
  })
  require(`${root}/app.js`)
  app.onLaunch.call(app, { path: 'pages/cards/index', query: {} })
  pageId = simulate.load(`${root}/pages/cards/index`, 'cards-page', { rootPath: root, less: false })
})

/** The built page, shown; `find` looks through the pages' own components as well. */
async function openPage() {
  const page = simulate.render(pageId)
  page.attach(document.body.appendChild(document.createElement('div')))
  if (page.instance.onShow) page.instance.onShow()
  await settle()
  return {
    words: () => page.dom.textContent,
    find: (test) => page.dom.querySelector(`[data-test="${test}"]`),
    state: () => page.dom.querySelector('[data-test="code-state"]')?.getAttribute('data-state'),
    picture: () => page.dom.querySelector('[data-test="code"]'),
    async tap(test) {
      const element = page.dom.querySelector(`[data-test="${test}"]`)
      if (!element) throw new Error(`nothing to tap: ${test}`)
      const finger = [{ pageX: 1, pageY: 1 }]
      element.dispatchEvent(Object.assign(new Event('touchstart', { bubbles: true }), { touches: finger, changedTouches: finger }))
      element.dispatchEvent(Object.assign(new Event('touchend', { bubbles: true }), { touches: [], changedTouches: finger }))
      await settle()
    },
    close() {
      if (page.instance.onHide) page.instance.onHide()
      page.detach()
    },
  }
}

const settle = () => simulate.sleep(60)

async function until(reached, what) {
  for (let round = 0; round < 100; round++) {
    if (reached()) return
    await settle()
  }
  throw new Error(`never came: ${what}`)
}

let page

beforeEach(() => {
  delete stored.cards
  wechat.brightness.length = 0
  cards = [CARD]
  codeAnswer = goodCode
})
afterEach(() => page.close())

test('the code is drawn from its text, with the holder and the time it has left', async () => {
  page = await openPage()
  await until(() => page.state() === 'live', 'a live code')
  expect(page.find('holder').textContent).toBe(PERSON.name_masked)
  expect(page.picture()).not.toBeNull()
  expect(Number(page.find('countdown').textContent)).toBeGreaterThan(0)
  expect(document.body.innerHTML).not.toContain('EHC990001')
})

test('a tap shows the static code and what it cannot do, another goes back', async () => {
  page = await openPage()
  await until(() => page.state() === 'live', 'a live code')
  await page.tap('switch-static')
  await until(() => page.state() === 'static', 'the static code')
  expect(page.words()).toContain('不能付款，也不能看病历')
  expect(page.find('countdown')).toBeNull()
  await page.tap('switch-dynamic')
  await until(() => page.state() === 'live', 'a live code again')
  expect(page.words()).not.toContain('不能付款')
})

test('a code that could not be renewed is covered, and comes back by a tap', async () => {
  page = await openPage()
  await until(() => page.state() === 'live', 'a live code')
  codeAnswer = refusal
  await until(() => page.state() === 'expired', 'the cover')
  expect(page.picture()).toBeNull()
  expect(page.words()).toContain('这个码已经过期')
  codeAnswer = goodCode
  await until(() => page.find('retry') !== null, 'the button')
  await page.tap('retry')
  await until(() => page.state() === 'live', 'a live code again')
})

test('without network the static code kept from last time is shown, and why', async () => {
  page = await openPage()
  await until(() => stored.cards?.cards[0]?.static_text, 'a kept static code')
  codeAnswer = () => null
  await until(() => page.state() === 'offline', 'the kept code')
  expect(page.picture()).not.toBeNull()
  expect(page.words()).toContain('现在连不上网络')
})

test('enlarged, the screen is bright and stays on; both are given back', async () => {
  page = await openPage()
  await until(() => page.state() === 'live', 'a live code')
  await page.tap('enlarge')
  await until(() => page.find('code-enlarged') !== null, 'the large code')
  expect(wechat.brightness).toEqual([true, 1])
  await page.tap('shrink')
  await until(() => page.find('code-enlarged') === null, 'the page again')
  expect(wechat.brightness).toEqual([true, 1, 0.3, false])
})

test('no card yet leads to the claim, and a waiting one says that nothing was lost', async () => {
  cards = []
  page = await openPage()
  await until(() => page.find('go-claim') !== null, 'the way to claim')
  page.close()
  cards = [{ ...CARD, status: 'pending', ehealth_card_id: null }]
  page = await openPage()
  await until(() => page.find('card-status') !== null, 'the explanation')
  expect(page.words()).toContain('资料已经收到，没有丢')
  expect(page.picture()).toBeNull()
})
