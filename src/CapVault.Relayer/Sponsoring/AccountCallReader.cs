using System.Buffers.Binary;
using System.Text;
using Nethereum.Util;

namespace CapVault.Relayer.Sponsoring;

/// <summary>
/// What an account is made to call, read from an operation's callData the way the account itself reads it: agents' accounts, and SimpleAccount's
/// shapes, which many others share. What is of no known shape is a call of the account's own function.
/// </summary>
public static class AccountCallReader
{
    // Their lists hold (address, bytes), or (address, uint256, bytes): where the bytes' offset stands.
    private static readonly Dictionary<uint, int> Lists = new()
    {
        [SelectorOf("executeOrderSteps((address,bytes)[])")] = 1,
        [SelectorOf("execute((address,uint256,bytes)[])")] = 2,
        [SelectorOf("executeBatch((address,uint256,bytes)[])")] = 2,
    };

    private static readonly uint One = SelectorOf("execute(address,uint256,bytes)");

    /// <summary>The calls; null where the data breaks off, which the account would refuse.</summary>
    /// <param name="sender">The account.</param>
    /// <param name="callData">The operation's.</param>
    public static IReadOnlyList<(byte[] To, byte[] Selector)>? Read(byte[] sender, byte[] callData)
    {
        if (callData.Length < 4)
        {
            return [(sender, callData)];
        }

        var selector = BinaryPrimitives.ReadUInt32BigEndian(callData);
        var arguments = callData.AsMemory(4);
        return selector == One ? Call(arguments, 0, dataWord: 2) is { } call ? [call] : null
            : Lists.TryGetValue(selector, out var dataWord) ? Items(arguments, dataWord)
            : [(sender, callData[..4])];
    }

    private static List<(byte[] To, byte[] Selector)>? Items(ReadOnlyMemory<byte> arguments, int dataWord)
    {
        if (Number(arguments, 0) is not { } list || Number(arguments, list) is not { } count || count > arguments.Length / 32)
        {
            return null;
        }

        var heads = arguments[(list + 32)..];
        var calls = new List<(byte[], byte[])>();
        for (var index = 0; index < count; index++)
        {
            if (Number(heads, 32 * index) is not { } item || Call(heads, item, dataWord) is not { } call)
            {
                return null;
            }

            calls.Add(call);
        }

        return calls;
    }

    // A tuple that begins at an offset; its bytes' offset counts from there.
    private static (byte[] To, byte[] Selector)? Call(ReadOnlyMemory<byte> memory, int at, int dataWord)
    {
        if (at + (32 * (dataWord + 1)) > memory.Length || Number(memory, at + (32 * dataWord)) is not { } offset || Number(memory, at + offset) is not { } length
            || at + offset + 32 + length > memory.Length)
        {
            return null;
        }

        return (memory.Slice(at + 12, 20).ToArray(), memory.Slice(at + offset + 32, Math.Min(4, length)).ToArray());
    }

    // Beyond the data nothing can begin, so what is larger is as wrong as what is missing.
    private static int? Number(ReadOnlyMemory<byte> memory, int at)
    {
        if (at < 0 || at + 32 > memory.Length || memory.Span.Slice(at, 28).IndexOfAnyExcept((byte)0) >= 0)
        {
            return null;
        }

        var number = BinaryPrimitives.ReadUInt32BigEndian(memory.Span[(at + 28)..]);
        return number <= memory.Length ? (int)number : null;
    }

    private static uint SelectorOf(string signature) => BinaryPrimitives.ReadUInt32BigEndian(Sha3Keccack.Current.CalculateHash(Encoding.UTF8.GetBytes(signature)));
}
