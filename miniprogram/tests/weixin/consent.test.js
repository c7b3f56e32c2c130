/** @jest-environment jsdom */
const exparser = require('miniprogram-exparser')
const simulate = require('miniprogram-simulate')
const { installWeChat, requireBuild } = require('./platform')

/** A grown-up agrees by showing the own card's code: this phone scans it, and the claim carries it. */

const CODE = 'A'.repeat(64) + ':1:B64:0000A0001'
const OPTIONS = {
  documents: [{ id_type: '01', needs: [] }],
  relations: { parent: { proofs: [], proofs_of_adult: ['consent_sms', 'consent_card', 'guardianship'] } },
  guardian_years: 14,
  family: { limit: 8, used: 0 },
  attachments: { required_for: [], media_types: ['image/jpeg'], max_bytes: 5000000 },
  sources_needed: [],
}
const CARD = {
  card_id: '01M8149T000000000000000001', ehealth_card_id: 'B'.repeat(64), status: 'active', relation: 'parent',
  claimed_at: '2026-11-22T00:00:00Z', has_pin: false, shows: 'dynamic', may: ['remove'],
  person: { name_masked: '王*明', gender: 'male', id_type: '01', id_no_masked: '990***1234', phone_masked: '139****0001' },
}

jest.setTimeout(30_000)

let wechat
let pageId
let page
let claims
let answer
let scanned
let isAgreed = false

beforeAll(() => {
  const root = requireBuild()
  const stored = {
    session: { token: 'token', expires_at: '2030-01-01T00:00:00Z', account: { account_id: 'a', phone_masked: null } },
    reading: { elder: false, size: 0, asked: true },
  }
  wechat = installWeChat(stored, (url, method, body) => {
    if (method !== 'POST') return { status: 200, body: url.endsWith('/claim-options') ? OPTIONS : { cards: [] } }
    claims.push(body)
    return answer
  })
  let app
  Object.assign(global, {
    App: (options) => (app = options),
    Page: (options) => Component({ data: options.data || {}, methods: options }),
    getApp: () => app,
    getCurrentPages: () => [],
  })
  global.wx.reLaunch = ({ url }) => wechat.asked.push(`reLaunch ${url}`)
  global.wx.scanCode = ({ success, fail }) => setTimeout(() => (scanned === null ? fail({ errMsg: 'scanCode:fail cancel' }) : success({ result: scanned })), 0)
  require(`${root}/app.js`)
  app.onLaunch.call(app, { path: 'pages/claim/index', query: {} })
  pageId = simulate.load(`${root}/pages/claim/index`, 'claim-page', { rootPath: root, less: false })
})

beforeEach(async () => {
  claims = []
  page = simulate.render(pageId)
  page.attach(document.body.appendChild(document.createElement('div')))
  page.instance.onLoad({ relation: 'parent' })
  page.instance.onShow()
  await simulate.sleep(150)
})
afterEach(() => page.detach())

const at = (test) => page.dom.querySelector(`[data-test="${test}"]`)

async function tap(test) {
  const finger = [{ pageX: 1, pageY: 1 }]
  at(test).dispatchEvent(Object.assign(new Event('touchstart', { bubbles: true }), { touches: finger, changedTouches: finger }))
  at(test).dispatchEvent(Object.assign(new Event('touchend', { bubbles: true }), { touches: [], changedTouches: finger }))
  await simulate.sleep(150)
}

async function write(test, value) {
  const typed = exparser.Event.create('input', { value }, { bubbles: true, composed: true })
  exparser.Event.dispatchEvent(at(test).__wxElement, typed)
  await simulate.sleep(50)
}

async function fill() {
  await write('name', '王晓明')
  await write('id-no', '990101196005170016')
  await write('phone', '19900000001')
  await tap('proof-consent_card')
  // What was agreed to stays in the draft, and a second tap would take it back.
  if (!isAgreed) await tap('agree')
  isAgreed = true
}

test('without a scan nothing is sent, and a scan that finds nothing says so', async () => {
  await fill()
  scanned = null
  await tap('consent-scan')
  expect(at('consent-card-fault').textContent).toContain('没有扫到码')
  await tap('claim')
  expect(at('consent-card-fault')).not.toBeNull()
  expect(claims).toHaveLength(0)
})

test('the scanned code goes with the claim, and a code that is refused is asked for again', async () => {
  await fill()
  scanned = CODE
  await tap('consent-scan')
  expect(at('consent-scanned').textContent).toContain('已经扫到')
  answer = { status: 422, body: { error: { code: 'relation.proof_refused', message: 'no', detail: { reason: 'consent' } } } }
  await tap('claim')
  expect(claims[0].relation_proof).toEqual({ kind: 'consent_card', code: CODE })
  expect(wechat.asked.some((call) => call.startsWith('reLaunch'))).toBe(false)
  answer = { status: 201, body: CARD }
  await tap('consent-scan')
  await tap('claim')
  expect(claims[claims.length - 1]).toMatchObject({ relation: 'parent', name: '王晓明', relation_proof: { kind: 'consent_card', code: CODE } })
  expect(wechat.asked).toContain('reLaunch /pages/cards/index')
})
