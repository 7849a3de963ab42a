#include "textflag.h"

// AES-256 with the processor's instructions, one packet at a time. Round keys lie
// in memory in the order they are used; IGE chains every block to the one before,
// so there is nothing to gain from working on several at once.

// HALF derives the next half of the key schedule: old (also the result) is mixed
// with itself shifted by one, two and three words and with the assist word of the
// other half, picked by lane.
#define HALF(rcon, other, old, lane, offset) \
	AESKEYGENASSIST $rcon, other, X2; \
	PSHUFL $lane, X2, X2; \
	MOVO old, X3; \
	PSLLDQ $4, X3; \
	PXOR X3, old; \
	PSLLDQ $4, X3; \
	PXOR X3, old; \
	PSLLDQ $4, X3; \
	PXOR X3, old; \
	PXOR X2, old; \
	MOVOU old, offset(BX)

// func expandKey(key *[32]byte, keys *roundKeys)
TEXT ·expandKey(SB), NOSPLIT, $0-16
	MOVQ key+0(FP), AX
	MOVQ keys+8(FP), BX
	MOVOU (AX), X0
	MOVOU 16(AX), X1
	MOVOU X0, (BX)
	MOVOU X1, 16(BX)
	HALF(0x01, X1, X0, 0xff, 32)
	HALF(0x00, X0, X1, 0xaa, 48)
	HALF(0x02, X1, X0, 0xff, 64)
	HALF(0x00, X0, X1, 0xaa, 80)
	HALF(0x04, X1, X0, 0xff, 96)
	HALF(0x00, X0, X1, 0xaa, 112)
	HALF(0x08, X1, X0, 0xff, 128)
	HALF(0x00, X0, X1, 0xaa, 144)
	HALF(0x10, X1, X0, 0xff, 160)
	HALF(0x00, X0, X1, 0xaa, 176)
	HALF(0x20, X1, X0, 0xff, 192)
	HALF(0x00, X0, X1, 0xaa, 208)
	HALF(0x40, X1, X0, 0xff, 224)
	RET

#define INVERT(low, high) \
	MOVOU low(AX), X0; \
	MOVOU high(AX), X1; \
	AESIMC X0, X0; \
	AESIMC X1, X1; \
	MOVOU X1, low(AX); \
	MOVOU X0, high(AX)

// func invertKey(keys *roundKeys)
TEXT ·invertKey(SB), NOSPLIT, $0-8
	MOVQ keys+0(FP), AX
	MOVOU (AX), X0
	MOVOU 224(AX), X1
	MOVOU X1, (AX)
	MOVOU X0, 224(AX)
	INVERT(16, 208)
	INVERT(32, 192)
	INVERT(48, 176)
	INVERT(64, 160)
	INVERT(80, 144)
	INVERT(96, 128)
	MOVOU 112(AX), X0
	AESIMC X0, X0
	MOVOU X0, 112(AX)
	RET

// Eleven round keys stay in X5 to X15, four are loaded in passing. X1 is added to
// a block before AES and becomes the result, X2 is added after it and becomes the
// block as it was.
#define LOAD \
	MOVOU (BX), X1; \
	MOVOU (CX), X2; \
	MOVOU 64(AX), X5; \
	MOVOU 80(AX), X6; \
	MOVOU 96(AX), X7; \
	MOVOU 112(AX), X8; \
	MOVOU 128(AX), X9; \
	MOVOU 144(AX), X10; \
	MOVOU 160(AX), X11; \
	MOVOU 176(AX), X12; \
	MOVOU 192(AX), X13; \
	MOVOU 208(AX), X14; \
	MOVOU 224(AX), X15

#define BLOCK(ROUND, LAST) \
	MOVOU (DI), X3; \
	MOVOU (AX), X0; \
	PXOR X3, X0; \
	PXOR X1, X0; \
	MOVOU 16(AX), X4; \
	ROUND X4, X0; \
	MOVOU 32(AX), X4; \
	ROUND X4, X0; \
	MOVOU 48(AX), X4; \
	ROUND X4, X0; \
	ROUND X5, X0; \
	ROUND X6, X0; \
	ROUND X7, X0; \
	ROUND X8, X0; \
	ROUND X9, X0; \
	ROUND X10, X0; \
	ROUND X11, X0; \
	ROUND X12, X0; \
	ROUND X13, X0; \
	ROUND X14, X0; \
	PXOR X15, X2; \
	LAST X2, X0; \
	MOVOU X0, (DI); \
	MOVO X0, X1; \
	MOVO X3, X2; \
	ADDQ $16, DI

// func encryptChain(keys *roundKeys, before, after *[16]byte, data *byte, blocks int)
TEXT ·encryptChain(SB), NOSPLIT, $0-40
	MOVQ keys+0(FP), AX
	MOVQ before+8(FP), BX
	MOVQ after+16(FP), CX
	MOVQ data+24(FP), DI
	MOVQ blocks+32(FP), DX
	LOAD
	TESTQ DX, DX
	JZ done
loop:
	BLOCK(AESENC, AESENCLAST)
	DECQ DX
	JNZ loop
done:
	RET

// func decryptChain(keys *roundKeys, before, after *[16]byte, data *byte, blocks int)
TEXT ·decryptChain(SB), NOSPLIT, $0-40
	MOVQ keys+0(FP), AX
	MOVQ before+8(FP), BX
	MOVQ after+16(FP), CX
	MOVQ data+24(FP), DI
	MOVQ blocks+32(FP), DX
	LOAD
	TESTQ DX, DX
	JZ done
loop:
	BLOCK(AESDEC, AESDECLAST)
	DECQ DX
	JNZ loop
done:
	RET
