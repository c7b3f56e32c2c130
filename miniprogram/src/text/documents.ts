/** What a neighbour calls each document, by its type, and how its number looks. */

export interface DocumentWords {
  name: string
  number: string
  placeholder: string
}

const named = (name: string, number: string, placeholder: string): DocumentWords => ({ name, number, placeholder })

export const documents: Record<string, DocumentWords> = {
  '01': named('居民身份证', '身份证号码', '18 位，老证件 15 位'),
  '02': named('户口簿', '户口簿上这个人的身份证号', '18 位'),
  '03': named('护照', '护照号码', '照护照首页上的写'),
  '04': named('军官证', '军官证号码', '照证件上的写'),
  '06': named('港澳居民来往内地通行证', '通行证号码', 'H 或 M 开头'),
  '07': named('台湾居民来往大陆通行证', '通行证号码', '8 位数字'),
  '08': named('出生医学证明', '出生证编号', '一个字母加 9 位数字'),
  '09': named('港澳居民居住证', '居住证号码', '18 位'),
  '10': named('台湾居民居住证', '居住证号码', '18 位'),
  '11': named('华侨身份证明', '证件号码', '照证件上的写'),
}
