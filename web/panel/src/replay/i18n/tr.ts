import type en from './en';

/** Sending again, recovering and testing, Turkish. */
const tr: Record<keyof typeof en, string> = {
  'button.many': 'Toplu yeniden gönder…',
  'button.failed': 'Başarısızları yeniden dene…',
  'button.recover': 'Kaçırılanları kurtar…',
  'button.test': 'Deneme olayı gönder',
  'many.title': 'Teslimatları yeniden gönder',
  'many.text': 'Sona ermiş ve aşağıdakilerin hepsine uyan teslimatlar, yeniden deneme planı baştan başlatılarak tekrar gönderilir.',
  'failed.title': 'Başarısız olanları yeniden dene',
  'failed.text':
    'Bu web kancasının o zamandan beri başarısız olan bütün teslimatları, yeniden deneme planı baştan başlatılarak tekrar gönderilir.',
  'recover.title': 'Kaçırılan olayları kurtar',
  'recover.text':
    'Bu web kancasının o zamandan beri alması gerekip de almadığı olaylar şimdi teslim edilir; örneğin devre dışıyken ya da oluşturulmadan önce olanlar veya siz değiştirmeden önce filtresinin geçirmedikleri.',
  since: 'Başlangıç',
  sinceHint: 'Sizin saatinize göre. Boşsa: en baştan.',
  until: 'Bitiş',
  status: 'Hangileri',
  skipped: 'Dönüştürmenin atladıkları',
  type: 'Olay türü',
  typeHint: 'Tam bir tür ya da böyle başlayanların hepsi için order.*. Boşsa: hepsi.',
  webhook: 'Web kancası',
  allWebhooks: 'Bütün web kancaları',
  counting: 'Sayılıyor …',
  'count.again': '{n} teslimat yeniden gönderilecek.',
  'count.recover': '{n} olay teslim edilecek.',
  'count.none': 'Uyan bir şey yok.',
  'confirm.again': 'Yeniden gönder',
  'confirm.recover': 'Kurtar',
  'done.again': '{n} teslimat yeniden yola çıktı.',
  'done.recover': '{n} olay yola çıktı.',
  'test.title': 'Deneme olayı gönder',
  'test.text': 'Olay türleri ne olursa olsun yalnızca bu web kancasına gider ve kanca-test: true başlığını taşır.',
  'test.type': 'Tür',
  'test.typeHint': 'Başka bir şey yazmazsanız test.ping.',
  'test.data': 'Veri (JSON)',
  'test.dataHint': 'Boşsa: türün kayıtlı örneği ya da bunun bir deneme olduğunu söyleyen bir cümle.',
  'test.dataError': 'Bu, geçerli bir JSON değil.',
  'test.send': 'Gönder',
};

export default tr;
