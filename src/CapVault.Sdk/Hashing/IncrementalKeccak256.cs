using System.Buffers.Binary;
using System.Numerics;

namespace CapVault.Sdk;

/// <summary>keccak256, as Solidity computes it, of content that comes piece by piece: a file does not have to fit into memory. Not thread-safe.</summary>
public sealed class IncrementalKeccak256
{
    private const int RateBytes = 136; // 1600 bits of state less twice the 256 of the hash
    private const int Lanes = 25;

    private static readonly ulong[] RoundConstants =
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B, 0x0000000080000001,
        0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
        0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
        0x000000000000800A, 0x800000008000000A, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ];

    // Where each lane goes, in the order of the walk that starts at lane 1, and by how much it is rotated there.
    private static readonly int[] Walk = [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];
    private static readonly int[] Rotations = [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];

    private readonly ulong[] _state = new ulong[Lanes];
    private readonly byte[] _block = new byte[RateBytes];
    private int _filled;

    /// <summary>Takes the next piece.</summary>
    public void AppendData(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            if (_filled == 0 && data.Length >= RateBytes)
            {
                Absorb(data[..RateBytes]);
                data = data[RateBytes..];
                continue;
            }

            var taken = Math.Min(RateBytes - _filled, data.Length);
            data[..taken].CopyTo(_block.AsSpan(_filled));
            data = data[taken..];
            _filled += taken;
            if (_filled == RateBytes)
            {
                Absorb(_block);
                _filled = 0;
            }
        }
    }

    /// <summary>The 32-byte hash of all pieces; the next piece begins anew.</summary>
    public byte[] GetHashAndReset()
    {
        // The padding of Keccak's submission, 0x01; FIPS 202 put 0x06 there.
        _block.AsSpan(_filled).Clear();
        _block[_filled] = 0x01;
        _block[RateBytes - 1] |= 0x80;
        Absorb(_block);
        var hash = new byte[32];
        for (var lane = 0; lane < hash.Length / 8; lane++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(hash.AsSpan(lane * 8), _state[lane]);
        }

        Array.Clear(_state);
        _filled = 0;
        return hash;
    }

    private void Absorb(ReadOnlySpan<byte> block)
    {
        var state = _state.AsSpan();
        for (var lane = 0; lane < RateBytes / 8; lane++)
        {
            state[lane] ^= BinaryPrimitives.ReadUInt64LittleEndian(block[(lane * 8)..]);
        }

        foreach (var constant in RoundConstants)
        {
            MixColumns(state);
            MoveLanes(state);
            MixRows(state);
            state[0] ^= constant;
        }
    }

    private static void MixColumns(Span<ulong> state)
    {
        var c0 = state[0] ^ state[5] ^ state[10] ^ state[15] ^ state[20];
        var c1 = state[1] ^ state[6] ^ state[11] ^ state[16] ^ state[21];
        var c2 = state[2] ^ state[7] ^ state[12] ^ state[17] ^ state[22];
        var c3 = state[3] ^ state[8] ^ state[13] ^ state[18] ^ state[23];
        var c4 = state[4] ^ state[9] ^ state[14] ^ state[19] ^ state[24];
        var (d0, d1, d2) = (c4 ^ BitOperations.RotateLeft(c1, 1), c0 ^ BitOperations.RotateLeft(c2, 1), c1 ^ BitOperations.RotateLeft(c3, 1));
        var (d3, d4) = (c2 ^ BitOperations.RotateLeft(c4, 1), c3 ^ BitOperations.RotateLeft(c0, 1));
        for (var row = 0; row < Lanes; row += 5)
        {
            state[row] ^= d0;
            state[row + 1] ^= d1;
            state[row + 2] ^= d2;
            state[row + 3] ^= d3;
            state[row + 4] ^= d4;
        }
    }

    private static void MoveLanes(Span<ulong> state)
    {
        var moving = state[1];
        for (var step = 0; step < Walk.Length; step++)
        {
            var to = Walk[step];
            (state[to], moving) = (BitOperations.RotateLeft(moving, Rotations[step]), state[to]);
        }
    }

    private static void MixRows(Span<ulong> state)
    {
        for (var row = 0; row < Lanes; row += 5)
        {
            var (a, b, c, d, e) = (state[row], state[row + 1], state[row + 2], state[row + 3], state[row + 4]);
            state[row] = a ^ (~b & c);
            state[row + 1] = b ^ (~c & d);
            state[row + 2] = c ^ (~d & e);
            state[row + 3] = d ^ (~e & a);
            state[row + 4] = e ^ (~a & b);
        }
    }
}
