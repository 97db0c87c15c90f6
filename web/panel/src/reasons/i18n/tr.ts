import type en from './en';

/** Why things are as they are, Turkish. */
const tr: Record<keyof typeof en, string> = {
  'attempt.success': 'Teslim edildi: alıcı {status} yanıtını verdi.',
  'attempt.http_status': 'Alıcı {status} yanıtını verdi. {advice}',
  'attempt.redirect': 'Alıcı yönlendirmeyle yanıt verdi; yönlendirmeler izlenmez. Web kancasına son adresi girin.',
  'attempt.timeout': 'Alıcı süresi içinde yanıt vermedi. Önce yanıt vermeli, işini sonra yapmalı.',
  'attempt.refused': 'Bağlantı reddedildi. Alıcıyı başlatın ya da URL’nin sunucu adını ve bağlantı noktasını düzeltin.',
  'attempt.unreachable': 'Alıcının adresine ulaşılamıyor. URL’yi, güvenlik duvarını ve bu makinenin ağını denetleyin.',
  'attempt.dns': 'Alıcının adı hiçbir adrese karşılık gelmiyor. URL’nin yazımını ve adın DNS kayıtlarını denetleyin.',
  'attempt.tls':
    'Güvenli bağlantı kurulamadı. Alıcının sertifikasının URL’deki sunucu için geçerli, (ara sertifikalarıyla) eksiksiz ve süresi dolmamış olduğunu denetleyin.',
  'attempt.reset':
    'Alıcı, yanıtı tamamlanmadan bağlantıyı kapattı. Alıcının günlüğünde bir çökme ya da bağlantıları kesen bir vekil sunucu arayın.',
  'attempt.blocked_address':
    'Hiçbir şey gönderilmedi: alıcının adresine izin verilmiyor. Kanca’yı çalıştıran kişi özel ağları KANCA_ALLOW_PRIVATE_NETWORKS ile açabilir.',
  'attempt.proxy_unreachable':
    'Web kancasının vekil sunucusuna ulaşılamıyor. Vekil sunucuyu başlatın ya da web kancasında sunucu adını ve bağlantı noktasını düzeltin.',
  'attempt.proxy_auth':
    'Web kancasının vekil sunucusu Kanca’yı kabul etmiyor. Web kancasında vekil sunucunun kullanıcı adını ve parolasını düzeltin.',
  'attempt.proxy_refused':
    'Web kancasının vekil sunucusu alıcıya bağlanmadı. Vekil sunucuda alıcının adresine ve bağlantı noktasına izin verin ya da vekil sunucunun günlüğüne bakın.',
  'attempt.proxy_answer':
    'Web kancasının vekil sunucusundan anlaşılmayan bir yanıt geldi. URL’sinin şemasının (http ya da socks5) ve bağlantı noktasının doğru olduğunu denetleyin.',
  'attempt.too_large_response': 'Alıcının yanıtı çok büyük. Alıcı bir durum koduyla ve kısa bir gövdeyle ya da gövdesiz yanıt vermeli.',
  'attempt.too_large_request': 'Hiçbir şey gönderilmedi: olay, web kancasının biçimi için çok büyük.',
  'attempt.transformation':
    'Web kancasının dönüşümü başarısız oldu, bu yüzden hiçbir şey gönderilmedi. Dönüşümü düzeltin; teslimat kendi takvimine göre yeniden denenir.',
  'attempt.skipped': 'Web kancasının dönüşümü bu olayı atladı, bu yüzden hiçbir şey gönderilmedi.',
  'attempt.protocol': 'Yanıt düzgün HTTP/1.1 değil. URL’nin şemasının (http ya da https) ve bağlantı noktasının doğru olduğunu denetleyin.',
  'attempt.loop':
    'Olay çok kez dönüp geldi, bu yüzden yeniden gönderilmedi. Bir gelen kutusunun yanıtı ya da senaryosu, kendisini dolduran olaya yol açıyor; bu döngüyü kırın.',
  'attempt.shutdown': 'Deneme sırasında Kanca durduruldu. Deneme kendiliğinden yinelenir ve takvimden adım eksilmez.',
  'attempt.internal': 'Kanca denemeyi yapamadı. Deneme yinelenecek; sürerse Kanca’nın günlüğüne bakın.',
  'status.400': 'Olayı anlamadı; yanıtına ve web kancasının biçimine bakın.',
  'status.401': 'Kanca’yı içeri almıyor; web kancasının imza anahtarını ve üst bilgilerini denetleyin.',
  'status.404': 'Bu adreste bir şey yok; URL’nin yolunu düzeltin.',
  'status.405': 'Bu adreste POST kabul etmiyor; URL’nin yolunu düzeltin.',
  'status.410': 'Bu adresin artık olmadığını söylüyor; web kancasını silin ya da URL’sini değiştirin.',
  'status.413': 'Olay alıcı için çok büyük; alıcının sınırını yükseltin ya da daha az veri gönderin.',
  'status.415': 'Bu biçimi okumuyor; web kancasında başka bir biçim seçin.',
  'status.later': 'Daha sonra yeniden denenmesini istiyor; bu kendiliğinden yapılır.',
  'status.down': 'Alıcı ya da vekil sunucusunun arkasındaki hizmet kapalı veya meşgul; oraya bakın.',
  'status.refused': 'Olayı reddetti; nedeni yanıtında yazıyor olabilir.',
  'status.failed': 'Başarısız oldu; alıcının günlüğüne bakın.',
  'status.other': 'Yalnızca 200–299 arası durum kodları teslim edilmiş sayılır.',
  'event.disabled': 'Olay yayımlandığında bu web kancası devre dışıydı, bu yüzden teslimat oluşturulmadı.',
  'event.not_subscribed': 'Bu web kancası {event_type} türüne abone değil.',
  'event.subscribed_later':
    'Bu web kancası şimdi {event_type} türüne abone, ama olay yayımlandığında değildi. “Kurtar” bir teslimat oluşturur.',
  'event.created_later': 'Bu web kancası olaydan sonra oluşturuldu. Türe aboneyse “Kurtar” bir teslimat oluşturur.',
  'event.filtered_out': 'Filtresi bu olayı geçirmiyor:',
  'event.filter_failed': 'Filtresi hata verdi, bu yüzden olay yine de teslim edildi:',
  'event.addressed': '{event_type} yalnızca onu oluşturan bloğun web kancasına gider, abonelikle hiç gönderilmez.',
  'event.block_webhook_deleted': 'Bu bloğun çağırdığı web kancası silinmiş.',
  'event.block_webhook_disabled': 'Bu bloğun çağırdığı web kancası devre dışı.',
  'event.no_webhook': 'Olay yayımlandığında bu projede web kancası yoktu. Böyle olayları almak için bir web kancası oluşturun.',
  'event.nobody_subscribes': 'Bu projenin hiçbir web kancası {event_type} türüne abone değildi.',
  'event.test': 'Yalnızca “{webhook}” kancasına elle gönderilmiş bir deneme.',
  'event.data_mismatch': 'Uyarı: veri, {event_type} türünün şemasına uymuyor. Yayımlayanı düzeltin ya da şemayı değiştirin. Yanlış olan:',
  'event.unregistered_type': '{event_type} kayıtlı bir olay türü değil, bu yüzden verisi denetlenmiyor.',
  'disabled.by_hand': 'Elle devre dışı bırakıldı.',
  'disabled.gone': 'Alıcı 410 Gone yanıtını verdi: artık olay istemiyor.',
  'disabled.failing':
    'Bu web kancasına tanınan süre boyunca tüm denemeler başarısız oldu. Alıcıyı onarın, sonra web kancasını yeniden etkinleştirin.',
  'disabled.inbox_deleted': 'Gösterdiği gelen kutusu silindi.',
};

export default tr;
