import type en from './en';

/** Set-up and log-in, Turkish. */
const tr: Record<keyof typeof en, string> = {
  'setup.title': 'Kanca’yı kurun',
  'setup.text': 'Sahibin e-posta adresini ve parolasını seçin. Unutulan bir parola da böyle yenilenir.',
  'setup.noTokenTitle': 'Kurulum bağlantınızı açın',
  'setup.noTokenText':
    'Kanca başlarken bir kurulum bağlantısı yazdırdı. O bağlantıyı açın ya da sunucuda bu komutla yenisini yazdırın:',
  'setup.submit': 'Kur ve paneli aç',
  'setup.loginInstead': 'Bunun yerine giriş yap',
  'login.title': 'Kanca’ya giriş yapın',
  'login.submit': 'Giriş yap',
  'login.forgotten': 'Parolanızı mı unuttunuz?',
  'login.forgottenText': 'Sunucuda bu komutu çalıştırın. Yeni parola seçeceğiniz bir bağlantı yazdırır.',
  'login.command': 'Komut',
  'login.wait': '{n} saniye sonra yeniden deneyebilirsiniz.',
  'field.email': 'E-posta adresi',
  'field.password': 'Parola',
  'field.passwordHint': 'En az 10 karakter. Art arda birkaç sözcük iyi bir paroladır.',
  'field.again': 'Parola (tekrar)',
  'error.email': 'ad@example.com gibi bir e-posta adresi yazın.',
  'error.short': 'Parola en az 10 karakter olmalı; bunda {n} karakter var.',
  'error.differs': 'İki parola farklı. Aynısını iki kez yazın.',
  'error.wrong': 'E-posta adresi ya da parola yanlış.',
  'error.usedLink': 'Bu bağlantı kullanılmış ya da daha yenisi var. Sunucuda yenisini yazdırın: kanca setup-link',
  'error.noPassword': 'Parolanızı yazın.',
};

export default tr;
