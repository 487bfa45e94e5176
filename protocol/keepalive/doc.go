// Package keepalive decides when a tunnel asks its peer for a sign of life, and what silence means. It is pure: a value, what was seen on the wire, and the
// time go in; the next value, what to do and when to look again come out.
//
//	        heard                 dpd                1.5 dpd        2 dpd
//	----------|--------------------|-------------------|-------------|-----> time
//	                             DPD-REQ             DPD-REQ        dead
//
//	        sent data      max(100 ms, 4 SRTT)
//	------------|------------------|-----------------------------> any frame: Heard
//	                        Silence, one DPD-REQ
//
//	        flow stops       max(200 ms, 4 SRTT)     max(100 ms, 4 SRTT)
//	============|------------------|-------------------|---------> any frame: Heard
//	                            DPD-REQ            Silence, DPD-REQ
//
// The upper line finds a peer that is gone while nobody talks; any frame counts as life. The second is faster, and finds a path that broke under
// traffic: it ends nothing by itself, it makes others look. While its questions are answered it asks at most once a second. The third is for who only listens: data that came for a
// while and stops may have ended, or nothing may come any more and nobody here has anything to say. So the peer is asked, once.
//
// Nobody is declared dead who was not asked: after a pause of this machine (sleep, a frozen process) the first look asks, and death is dpd/2 away again.
//
// Imports: time. It starts no goroutine.
package keepalive
