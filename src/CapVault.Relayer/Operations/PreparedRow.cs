using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI;

namespace CapVault.Relayer.Operations;

/// <summary>A row of <c>prepared_operation</c>.</summary>
internal sealed record PreparedRow
{
    public byte[] UserOpHash { get; init; } = [];

    public byte[] OrderId { get; init; } = [];

    public long NonceKey { get; init; }

    public long NonceSeq { get; init; }

    public byte[] UserOp { get; init; } = [];

    public long ValidUntil { get; init; }

    public byte[] Request { get; init; } = [];

    public byte[] Eoa { get; init; } = [];

    /// <summary>The last second in which it may be submitted: what goes out must have time to land.</summary>
    public long SubmitUntil => ValidUntil - OperationSigner.TimeToLand;

    public SponsoredOperation Operation => new(new ABIEncode().DecodeEncodedComplexType<PackedUserOperation>(UserOp), UserOpHash, NonceKey, NonceSeq, ValidUntil, Eoa);
}
