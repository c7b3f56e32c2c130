/** What happened, that nothing was lost, and what to do now: one entry for each error code of the API. */

const byCode: Record<string, string> = {
  'network.offline': '手机没有连上网络。什么都没有丢，连上网络后再试一次。',
  'network.unreachable': '网络好像断了，没有连到系统。什么都没有丢，过一会儿再试一次。',
  'network.timeout': '网络太慢，没有等到回音。什么都没有丢，请再试一次。',
  'server.unavailable': '系统正忙，暂时没办成。什么都没有丢，请过一会儿再试。',
  'sms.too_many': '验证码要得太频繁了。请过一会儿再要。',
  'login_source.too_many': '这个网络里登录的人太多了。请过一会儿再试，或用短信登录。',
  'login.code_wrong': '验证码不对，或者已经过期。请看清短信里的数字再填，也可以重新要一个。',
  'login.refused': '这次没有登录成功。请再点一次登录。',
  'login.unavailable': '登录服务暂时连不上。请过一会儿再试。',
  'name.invalid': '姓名请照身份证上的写，不要有空格和数字。',
  'document.invalid_number': '证件号码不对，请照证件再核对一遍。',
  'document.needs_particulars': '这种证件的号码里看不出性别和出生日期，请把这两项也填上。',
  'document.contradicts': '填的性别或出生日期和证件对不上，请照证件再核对一遍。',
  'document.unknown_type': '这里不收这种证件，请换一种证件。',
  'phone.invalid': '手机号码应该是 11 位数字，请再核对一遍。',
  'identity.mismatch': '姓名、证件号码和手机号对不上。手机号要是本人实名登记的；请核对后再提交，填好的内容还在。',
  'identity_mismatch.too_many': '今天填错的次数太多了。为了保护本人，请明天再试，或带证件到发卡窗口办理。',
  'identity_mismatch_device.too_many': '这台手机今天填错的次数太多了。为了保护本人，请明天再试，或带证件到发卡窗口办理。',
  'identity_mismatch_address.too_many': '这个网络今天填错的次数太多了。请换个网络或明天再试，或带证件到发卡窗口办理。',
  'identity_mismatch_person.too_many': '这个证件今天填错的次数太多了。为了保护本人，请明天再试，或带证件到发卡窗口办理。',
  'claim.guardian_required': '未满 14 周岁要由父母或监护人代为申领。请用家长的账号申领。',
  'phone.code_wrong': '验证码不对，或者已经过期。请看清短信里的数字再填，也可以重新要一个。',
  'phone_code.too_many': '验证码填错的次数太多了。请过十分钟再试。',
  'account.phone_taken': '这个手机号已经有自己的账号。请退出后用这个手机号登录。',
  'phone.code_required': '这个手机号还没有验证。请先收一条短信验证码，再提交一次。',
  'bank_card.required': '还需要一张本人的银行卡（一类账户）或信用卡来核实身份。请填上卡号再提交。',
  'proving.not_set_up': '网上暂时不能核实身份。请带证件到发卡窗口办理。',
  'notice.unknown_version': '告知书有了新版本。请关掉重新打开这一页，再读一遍。',
  'card.held_by_another_account': '这个人的健康卡已经在另一个账号里。请用原来的账号登录，或带证件到发卡窗口办理。',
  'authorization.malformed': '这不是医院设备上的授权码。请扫设备屏幕上的二维码。',
  'authorization.elsewhere': '这台设备属于别的城市的发卡中心，请直接出示健康码。',
  'authorization.expired': '等得太久，设备上的码已经过期。请在设备上重新开始。',
  'authorization.decided': '这个请求已经处理过了。如需再办，请在设备上重新开始。',
  'authorization.not_found': '没有找到这个请求。请在设备上重新开始。',
  'slot.not_found': '找不到这个号了。请返回换一个。',
  'slot.full': '这个号刚刚约满了。没有扣钱，请换一个时间。',
  'slot.closed': '医院停诊了，这个号不能约。请换一个时间。',
  'slot.over': '这个时间已经过了。请换一个时间。',
  'slot.not_released': '这个号还没有放出来。到放号的时间再来，一直点没有用。',
  'slot.refused': '医院没有留下这个号。没有扣钱，请换一个时间。',
  'appointment.exists': '这个时间他已经约过号了，在“我的预约”里。',
  'appointment.not_found': '找不到这个预约。可能这张卡已经移出这个账号了。',
  'appointment.over': '这个预约的状态变了，请返回看看。',
  'appointment.too_late': '离看病太近，不能在手机上取消了。来不了请打电话告诉医院。',
  'appointment.payment_due': '这个号要先付款。请到医院窗口付，或约一个不收费的号。',
  'booking.limit_reached': '能约的号已经约满了。先取消一个，或换一天。',
  'booking.blocked': '近来约了没来的次数太多，暂时不能网上约号。急着看病请到窗口挂号。',
  'booking_account.too_many': '点得太快了。请等一分钟再约，号的多少和点得快慢没有关系。',
  'booking_device.too_many': '这台手机点得太快了。请等一分钟再约。',
  'booking_address.too_many': '这个网络里约号的人太多了。请等一分钟再约，或换个网络。',
  'hospital.unavailable': '医院的系统现在没有回话。什么都没有丢，请过一会儿再试，或到窗口办理。',
  'institution.not_found': '找不到这家医院。',
  'relation.proof_required': '替家人办卡，要先证明你们的关系。请选一种证明方式。',
  'relation.proof_refused': '这样还不能证明你们的关系。请核对一遍，或换一种证明方式。',
  'family.full': '这个账号里的家人卡已经满了。请先移出一张，再来办。',
  'physical_card.refused': '这张实体健康卡不能用来办理（已挂失、已注销，或不是这个人的）。可以不填卡号，直接申领。',
  'document.taken': '这个证件已经登记在别人名下。请带证件到发卡窗口核对。',
  'proving.waits': '核实身份的系统暂时连不上。填的内容还在，请过一会儿再试。',
  'attachment.invalid': '这张照片不能用。请重新拍一张清楚的照片（JPG 或 PNG，不超过 900 KB）。',
  'attachment.not_found': '没有找到这张照片，可能已经过期删除。请重新上传。',
  'attachment.too_many': '今天上传的照片太多了。请明天再传，或带证件到发卡窗口办理。',
  'card.not_active': '这张卡现在不能用。',
  'card.transition_illegal': '这张卡现在不能这样办理。请返回看一看卡的状态。',
  'message.not_a_receipt': '这条消息不是用卡记录，不能点“不是我”。',
  'card.own_card': '自己的健康卡不能移出，可以注销。',
  'card.static_refused_by_holder': '这张卡已经关掉了静态码。可以在卡片设置里重新打开。',
  'code.static_not_allowed': '发卡中心规定只用会自动更新的码。',
  'factor.required': '为了安全，请输入健康卡密码，或用短信验证码确认。',
  'factor.wrong': '密码或验证码不对。请核对后再试，也可以重新要一个验证码。',
  'factor_sms.too_many': '验证码要得太频繁了。请过一会儿再要。',
  'pin.invalid': '密码要 6 位数字，不要用连号、重复的数字，也不要用生日、手机号和证件号里的数字。',
  'pin.locked': '密码输错太多次，暂时锁住了。请过一会儿再试，或用短信验证码办理。',
  'pin.not_set': '这张卡还没有密码，请先设置密码。',
  'card.not_found': '找不到这张卡。可能已经移出这个账号了。',
}

const byDocumentReason: Record<string, string> = {
  length: '证件号码的位数不对（身份证应该是 18 位，老证件是 15 位），请再核对一遍。',
  characters: '证件号码里有不该有的字（身份证只有数字，最后一位可以是 X），请再核对一遍。',
  date: '证件号码里的出生日期不对，请照证件再核对一遍。',
  checksum: '证件号码有一位填错了，请照证件再核对一遍。',
  form: '证件号码的写法不对，请照证件上的字母和数字再核对一遍。',
  series: '军官证号码请写全，带上前面的“某字第”。',
  region: '证件号码开头的地区代码不对，请照证件再核对一遍。',
}

const byProofReason: Record<string, string> = {
  age: '按他的年龄，不能选这种关系领卡。十八周岁以上请本人来领，或选“我的父母”。',
  own_card: '要先有自己的健康卡，才能用出生证、户口簿给家人领。请先领自己的卡。',
  unrelated: '出生、户籍登记里没有对上你们的关系。请照证件核对编号和姓名，也可以换一种方法。',
  consent: '没有等到本人同意：验证码或健康码不对，或者已经过期。请重新来一次。',
  phone: '这个手机不是他本人登记的。请填他自己的手机，或换一种方法。',
}

const otherwise = '没有办成，原因还不清楚。什么都没有丢，请过一会儿再试。'

const byReason: Record<string, Record<string, string>> = {
  'document.invalid_number': byDocumentReason,
  'relation.proof_refused': byProofReason,
}

/** The sentence for a code; `reason` is the refusal's `detail.reason`, where it has one. */
export function errorText(code: string, reason?: unknown): string {
  const found = typeof reason === 'string' ? byReason[code]?.[reason] : undefined
  return found ?? byCode[code] ?? otherwise
}
