using System.Buffers.Binary;
using System.Numerics;
using Nethereum.Util;

namespace CapVault.Relayer.Operations;

/// <summary>
/// A nonce's lane and place as the database has them. Keys of agents' accounts are small; those of other accounts have 192 bits, and where they do not
/// fit, a negative number that derives from the key stands for it.
/// </summary>
public static class NonceLane
{
    /// <summary>Lane and place of a nonce. A place beyond 2^63 comes out negative.</summary>
    public static (long Key, long Sequence) Of(BigInteger nonce)
    {
        var key = nonce >> 64;
        var sequence = unchecked((long)(ulong)(nonce & ulong.MaxValue));
        return (key <= long.MaxValue ? (long)key : ShortOf(key), sequence);
    }

    private static long ShortOf(BigInteger key) =>
        BinaryPrimitives.ReadInt64BigEndian(Sha3Keccack.Current.CalculateHash(key.ToByteArray(isUnsigned: true, isBigEndian: true))) | long.MinValue;
}
