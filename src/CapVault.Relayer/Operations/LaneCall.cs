using System.Globalization;
using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RLP;

namespace CapVault.Relayer.Operations;

/// <summary>Operations that travel in one transaction.</summary>
/// <param name="Operations">User operations, or exactly one operation of the relayer's own; none: a no-op, which only uses its nonce up.</param>
public sealed record Bundle(IReadOnlyList<Operation> Operations)
{
    /// <summary>Whether it goes through the EntryPoint.</summary>
    public bool IsUserOps => Operations is [{ Kind: OperationKind.UserOp }, ..];
}

/// <summary>What a lane transaction calls.</summary>
/// <param name="To">Recipient.</param>
/// <param name="Input">Data, hex with 0x.</param>
/// <param name="Value">Wei.</param>
/// <param name="Gas">Gas limit.</param>
public sealed record LaneCall(string To, string Input, BigInteger Value, long Gas)
{
    private const long NoOpGas = 21_000;
    private const int Word = 32;

    /// <summary>
    /// The transaction's own 21 000, what handleOps does around its operations, and the largest reserve: before each call the EntryPoint
    /// wants that call's whole limit left (and 1/63 more), but gets the unused part back for the next.
    /// </summary>
    private const long BundleOverhead = 60_000 + (GasLimits.Settle * 64 / 63);

    private static readonly byte[] HandleOps = new HandleOpsFunction { Ops = [], Beneficiary = "0x0000000000000000000000000000000000000000" }.GetCallData()[..4];

    /// <summary>The call of a bundle that <paramref name="lane"/> sends.</summary>
    public static LaneCall Of(Bundle bundle, LaneKey lane, string entryPoint) => bundle switch
    {
        { Operations: [] } => new(lane.Address, "0x", BigInteger.Zero, NoOpGas),
        { IsUserOps: true } => new(
            entryPoint, HandleOpsData([.. bundle.Operations.Select(operation => operation.UserOp!)], lane.Eoa).ToHex(true), BigInteger.Zero, GasOf(bundle.Operations)),
        { Operations: [var own, ..] } => new(own.Target!.ToHex(true), own.CallData.ToHex(true), BigInteger.Parse(own.Value, CultureInfo.InvariantCulture), own.GasLimit),
    };

    /// <summary>The call in a signed transaction (EIP-1559): exactly what was sent, whatever has become of its operations.</summary>
    public static LaneCall Of(byte[] raw)
    {
        var fields = (RLPCollection)RLP.Decode(raw[1..]);
        return new(fields[5].RLPData.ToHex(true), (fields[7].RLPData ?? []).ToHex(true), Number(fields[6]), (long)Number(fields[4]));
    }

    /// <summary>Gas limit of a bundle of user operations.</summary>
    public static long GasOf(IEnumerable<Operation> operations) => operations.Sum(operation => operation.GasLimit) + BundleOverhead;

    /// <summary>
    /// handleOps(operations, beneficiary). An operation is kept as the ABI encodes it, so nothing is decoded: at hundreds of operations per second that
    /// would be most of the work.
    /// </summary>
    public static byte[] HandleOpsData(IReadOnlyList<byte[]> operations, byte[] beneficiary)
    {
        var data = new byte[HandleOps.Length + ((3 + operations.Count) * Word) + operations.Sum(operation => operation.Length)];
        HandleOps.CopyTo(data, 0);
        var arguments = data.AsSpan(HandleOps.Length);
        WriteWord(arguments, 0, 2 * Word);
        beneficiary.CopyTo(arguments[((2 * Word) - beneficiary.Length)..]);
        WriteWord(arguments, 2, operations.Count);
        var elements = arguments[(3 * Word)..];
        var offset = operations.Count * Word;
        for (var index = 0; index < operations.Count; index++)
        {
            WriteWord(elements, index, offset);
            operations[index].CopyTo(elements[offset..]);
            offset += operations[index].Length;
        }

        return data;
    }

    private static void WriteWord(Span<byte> words, int index, int value) =>
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(words[((index * Word) + Word - sizeof(int))..], value);

    private static BigInteger Number(IRLPElement field) => new(field.RLPData ?? [], isUnsigned: true, isBigEndian: true);
}
