const ts = require('typescript')

/** Calls of `my` that Alipay documents and that these pages, or uni-app beneath them, use. */
const DOCUMENTED = new Set([
  'SDKVersion', 'canIUse', 'chooseImage', 'compressImage', 'createIntersectionObserver', 'createSelectorQuery', 'getAuthCode', 'getFileSystemManager', 'getLaunchOptionsSync', 'getLocation',
  'getNetworkType', 'getPhoneNumber', 'getScreenBrightness', 'getStorageSync', 'getSystemInfoSync', 'getWindowInfo', 'isIDE',
  'navigateBack', 'navigateTo', 'offUserCaptureScreen', 'onAppHide', 'onAppShow', 'onNetworkStatusChange',
  'onUserCaptureScreen', 'pageScrollTo', 'reLaunch', 'removeStorageSync', 'request', 'requestSubscribeMessage', 'scan', 'setKeepScreenOn', 'setNavigationBar',
  'setScreenBrightness', 'setStorage', 'setStorageSync',
])
/** uni-app's names for calls that it translates. */
const TRANSLATED = { setNavigationBarTitle: 'setNavigationBar', scanCode: 'scan' }
/** Names that uni-app looks for on `my` and does without: DingTalk's mark, and what its own code may have put there. */
const FRAMEWORK_PROBES = new Set(['dd', '$emit', '$onErrorHandlers', '__uni_console__', 'getEventChannel', 'specialMethods'])
const ELSEWHERE = new Set(['wx', 'uni', 'window', 'document', 'navigator', 'localStorage', 'sessionStorage', 'XMLHttpRequest', 'fetch'])

/**
 * Faults of one script. Vendor code may name a browser's globals where the same function asks
 * `typeof` before; the pages' own code may not name them at all.
 */
function scriptFaults(source, name, isVendor) {
  const tree = ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true)
  if (tree.parseDiagnostics.length) return [`is no script: ${ts.flattenDiagnosticMessageText(tree.parseDiagnostics[0].messageText, ' ')}`]
  const faults = []
  const own = assignedNames(tree)
  const visit = (node) => {
    const called = calledOf(node, isVendor)
    if (called && !own.has(called) && !DOCUMENTED.has(TRANSLATED[called] || called)) {
      if (!(isVendor && FRAMEWORK_PROBES.has(called))) faults.push(`my.${called} is not on the list of documented calls`)
    }
    if (ts.isIdentifier(node) && ELSEWHERE.has(node.text) && isReference(node) && !(isVendor && isGuarded(node))) {
      faults.push(`names ${node.text}, which Alipay does not have`)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return [...new Set(faults)]
}

/** The call's name in `my.x`, and in `common_vendor.index.x`, which is how a built page says `uni.x`. */
function calledOf(node, isVendor) {
  if (!ts.isPropertyAccessExpression(node)) return null
  const target = node.expression.getText()
  return target === 'my' || (!isVendor && target === 'common_vendor.index') ? node.name.text : null
}

/** Names that the framework puts on `my` itself before it uses them. */
function assignedNames(tree) {
  const names = new Set()
  const visit = (node) => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken && /^my\.\w+$/.test(node.left.getText())) {
      names.add(node.left.name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  // The framework reads these three on its way to making them.
  return new Set([...names, 'createApp', 'createPage', 'createComponent'])
}

function isReference(node) {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
  if ((ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isBindingElement(parent)) && parent.name === node) return false
  if (ts.isTypeOfExpression(parent)) return false
  return !isDeclaredAround(node)
}

/** A parameter or variable of the same name hides the global one. */
function isDeclaredAround(node) {
  const isName = (declared) => declared.name && ts.isIdentifier(declared.name) && declared.name.text === node.text
  for (let scope = node.parent; scope; scope = scope.parent) {
    if (isName(scope) && (ts.isParameter(scope) || ts.isVariableDeclaration(scope))) return true
    if (scope.parameters && scope.parameters.some(isName)) return true
    for (const statement of scope.statements || []) {
      if (ts.isVariableStatement(statement) && statement.declarationList.declarations.some(isName)) return true
    }
  }
  return false
}

function isGuarded(node) {
  const question = `typeof ${node.text}`
  for (let scope = node.parent; scope; scope = scope.parent) {
    if (ts.isSourceFile(scope)) return false
    if (scope.getText().includes(question)) return true
  }
  return false
}

module.exports = { scriptFaults }
