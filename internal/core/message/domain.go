package message

import "strings"

// domain finds a host of two or more labels in a run of letters, digits, hyphens, underscores and
// dots: what comes after the last two dots in a row, without dots and hyphens at its ends.
func domain(run string) (start, end int, ok bool) {
	end = len(strings.TrimRight(run, ".-"))
	if start = strings.LastIndex(run[:end], ".."); start >= 0 {
		start += 2
	} else {
		start = 0
	}
	for start < end && (run[start] == '.' || run[start] == '-') {
		start++
	}
	if end-start > 255 {
		return start, end, false
	}
	label, labels := start, 1
	for i := start; i <= end; i++ {
		if i < end && run[i] != '.' {
			continue
		}
		if i == label || i-label > 63 || run[label] == '-' || run[i-1] == '-' {
			return start, end, false
		}
		if i < end {
			label, labels = i+1, labels+1
		}
	}
	return start, end, labels > 1
}

// known tells whether a host's last label is a top level that people mean when they write a host
// without a scheme: every country's, and the general ones in wide use.
func known(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if len(last) > 24 || strings.ContainsRune(last, '_') {
		return false
	}
	last = strings.ToLower(last)
	return strings.HasPrefix(last, "xn--") || topLevels[last]
}

var topLevels = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range strings.Fields(`
		ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz
		ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm
		fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is
		it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm
		mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr
		ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th
		tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
		com org net edu gov mil int info biz name pro aero asia cat coop jobs mobi museum post tel travel xxx arpa
		academy agency app art audio auction band bar best bike blog book build business cafe camp capital cards care
		careers casa cash center chat church city clinic cloud club codes coffee community company computer consulting
		cool dance date day deals design dev digital direct directory dog domains download earth education email energy
		engineer engineering eus events exchange expert express family fan farm finance fit fm foundation fun fund
		gal gallery games garden gift global gmbh gold golf group guide guru haus health help history hockey holdings
		host hosting house icu immo industries ink institute international investments kitchen land law lawyer legal life
		link live loan lol london love ltd luxe management market marketing media men moe moscow mov movie network news
		ninja nyc observer one online onion ooo page paris partners parts party photo photography photos pics pictures
		pink place plus press productions promo property pub quest radio realty recipes red rent rentals repair report
		rest restaurant review reviews rip rocks run sale school science services sexy shop show site ski social software
		solar solutions space sport store stream studio study style support surf systems tax team tech technology tips
		tirol today tokyo tools top tours town toys trade training tube university uno vegas ventures vet video vin
		vip vision voyage watch webcam website wedding wien wiki win wine work works world wtf xyz yoga zip zone
		рф рус бел укр срб мкд бг ею мон қаз москва дети онлайн сайт орг ком gr ελ ευ հայ გე 中国 中國 香港 台湾 台灣 新加坡
		公司 网络 在线 中文网 みんな 한국 닷컴 भारत ไทย ایران مصر السعودية الاردن المغرب`) {
		m[name] = true
	}
	return m
}()
