// What a clerk is told for each refusal: what happened, and what to do now.
const REFUSALS = {
  "code.malformed": ["这不是电子健康码", "请让居民打开“电子健康卡”里的健康码，不是付款码或其他二维码。"],
  "code.forged": ["健康码是伪造的，或被改动过", "不要使用。请核对身份证件，并告诉值班负责人。"],
  "code.expired": ["健康码已过期", "动态码约一分钟更新一次。请居民刷新健康码后再扫。"],
  "code.already_used": ["这个健康码已经用过了", "一个动态码只能用一次。请居民刷新健康码后再扫。"],
  "code.superseded": ["已有更新的健康码被使用，这个码作废了", "请居民打开最新的健康码再扫，不要用截图。"],
  "code.unknown_card": ["平台没有这张卡", "请居民确认卡已领取；也可以用身份证在窗口办理。"],
  "issuer.unknown": ["发卡机构不在本平台", "这张卡由别的地方发放，现在还不能在这里使用。请改用身份证件。"],
  "issuer.unavailable": ["发卡机构暂时联系不上", "没有扣费，也没有记录丢失。请稍后再扫，或改用身份证件。"],
  "card.pending": ["这张卡还没有审核完成", "请居民等待审核结果，或用身份证件办理。"],
  "card.frozen": ["这张卡已冻结", "请居民在手机上查看原因并解冻，或改用身份证件。"],
  "card.lost": ["这张卡已挂失", "请核对身份证件；如是本人，请居民在手机上解除挂失。"],
  "card.cancelled": ["这张卡已注销", "请居民重新领卡，或改用身份证件。"],
  "card.refused": ["这张卡没有通过审核", "请居民核对领卡信息后重新申请。"],
  "scene.unknown": ["平台不认识这个用卡环节", "请换一个用卡环节；如果应当可用，请联系信息科。"],
  "scene.requires_dynamic": ["这个环节要用动态码", "静态码只能用来识别身份。请居民在手机上打开动态健康码。"],
  "terminal.unknown": ["这台终端没有登记", "请联系信息科登记终端，先换一台终端使用。"],
  "channel.unknown": ["平台不认识这台终端的用卡渠道", "请联系信息科检查终端设置。"],
  "scope.missing": ["本医院没有核验健康码的权限", "请联系信息科向平台申请权限。"],
  "idempotency.in_progress": ["平台还在处理这次扫码", "没有丢失任何信息。请稍等几秒，请居民刷新健康码后再扫。"],
  "server.failed": ["健康卡平台出错了", "平台已经记下这个问题。请居民刷新健康码后再扫一次。"],
  "partner.unauthenticated": ["平台没有接受本医院的签名", "可能是密钥或电脑时间不对，或本院接入已暂停。请联系信息科。"],
  "reply.forged": ["收到的答复不是平台签发的，已丢弃", "不要使用这次结果。请改用身份证件，并立即联系信息科。"],
  "platform.unreachable": ["健康卡平台暂时联系不上", "可能已经核验成功但没收到答复。请居民刷新健康码后再扫一次。"],
  "authorization.refused": ["居民没有同意", "什么资料都没有看到。请居民出示健康码，或用身份证件办理。"],
  "authorization.expired": ["没有等到居民回答，码已过期", "什么都没有丢。要办的话再出示一个新的码。"],
  "picture.no_code": ["图片里没有找到二维码", "请换一张清楚、完整的健康码图片，四周留一点白边。"],
  "picture.unreadable": ["这个文件不是能读的图片", "请选择 PNG 或 JPEG 格式的图片。"],
  "code.missing": ["还没有读到健康码", "请用扫码枪、图片或摄像头读一个健康码。"],
  "hospital.unreachable": ["医院服务器没有答复", "没有丢失任何信息。请检查网络后再试一次。"],
};
const UNKNOWN = ["平台没有接受这个健康码", "请改用身份证件办理，并把下面的代码告诉信息科。"];

export const explain = (code) => {
  const [title, advice] = REFUSALS[code] ?? (code.startsWith("card.") ? ["这张卡现在不能使用", UNKNOWN[1]] : UNKNOWN);
  return { title, advice };
};
