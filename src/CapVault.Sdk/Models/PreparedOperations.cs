using System.Globalization;
using System.Numerics;
using System.Text.Json.Serialization;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Sdk;

/// <summary>POST /orders/negotiate/{id}/consent, by a Requester that holds its Executor itself.</summary>
public sealed record ConsentRequest
{
    /// <summary>The revision that is consented to.</summary>
    public required int Revision { get; init; }

    /// <summary>65 bytes (R ‖ S ‖ V, V 27 or 28), 0x-prefixed: by the Executor, over <see cref="Negotiation.Consent"/>.</summary>
    public required string Signature { get; init; }
}

/// <summary>POST /ops/prepare, by an agent that holds its Executor itself.</summary>
public sealed record PrepareRequest
{
    /// <summary><c>ord_…</c> or the 0x-prefixed orderId.</summary>
    public required string OrderId { get; init; }

    /// <summary>pay, create_and_pay (while the order is not on chain), deliver, release, dispute or reject.</summary>
    public required OrderStep Step { get; init; }

    /// <summary>For step deliver: what is delivered.</summary>
    public DeliverOrderRequest? Deliverable { get; init; }

    /// <summary>For steps dispute and reject: 1–512 characters; its keccak256 goes on chain.</summary>
    public string? Reason { get; init; }
}

/// <summary>A step that is sponsored and waits for its Executor's signature.</summary>
public sealed record PreparedOperation
{
    /// <summary><c>ord_…</c></summary>
    public required string OrderId { get; init; }

    /// <summary>The step that it takes.</summary>
    public required OrderStep Step { get; init; }

    /// <summary>The operation, complete but for its signature.</summary>
    public required UserOperation UserOp { get; init; }

    /// <summary>EntryPoint's hash of it; names it at submit.</summary>
    public required string UserOpHash { get; init; }

    /// <summary>What the Executor signs. Its EIP-712 digest is <see cref="UserOpHash"/>.</summary>
    public required TypedData TypedData { get; init; }

    /// <summary>Of step create_and_pay: the Provider's consent, 0x-prefixed; a part of the call.</summary>
    public string? ProviderSignature { get; init; }

    /// <summary>Submit is possible up to then, in chain time.</summary>
    public required DateTimeOffset ValidUntil { get; init; }
}

/// <summary>POST /ops/{userOpHash}/submit</summary>
public sealed record SubmitRequest
{
    /// <summary>65 bytes (R ‖ S ‖ V, V 27 or 28), 0x-prefixed: by the Executor, over <see cref="PreparedOperation.TypedData"/>.</summary>
    public required string Signature { get; init; }
}

/// <summary>An ERC-4337 operation for EntryPoint v0.8 in the fields of its JSON-RPC (ERC-7769): hexadecimal, not packed.</summary>
public sealed record UserOperation
{
    /// <summary>The account that acts.</summary>
    public required string Sender { get; init; }

    /// <summary>Nonce key ‖ sequence.</summary>
    public required string Nonce { get; init; }

    /// <summary>Deploys the account; never set by this relayer, which deploys accounts by plain transactions.</summary>
    public string? Factory { get; init; }

    /// <summary>What the factory is called with.</summary>
    public string? FactoryData { get; init; }

    /// <summary>The account's call.</summary>
    public required string CallData { get; init; }

    /// <summary>Gas of that call.</summary>
    public required string CallGasLimit { get; init; }

    /// <summary>Gas of the account's validation.</summary>
    public required string VerificationGasLimit { get; init; }

    /// <summary>What the bundler is paid beside.</summary>
    public required string PreVerificationGas { get; init; }

    /// <summary>Wei per gas at most.</summary>
    public required string MaxFeePerGas { get; init; }

    /// <summary>Wei per gas of tip at most.</summary>
    public required string MaxPriorityFeePerGas { get; init; }

    /// <summary>Who pays for the gas.</summary>
    public required string Paymaster { get; init; }

    /// <summary>Gas of its validation.</summary>
    public required string PaymasterVerificationGasLimit { get; init; }

    /// <summary>Gas of its postOp.</summary>
    public required string PaymasterPostOpGasLimit { get; init; }

    /// <summary>The sponsor's window and signature.</summary>
    public required string PaymasterData { get; init; }

    /// <summary>The account key's signature; <c>0x</c> before it is signed.</summary>
    public required string Signature { get; init; }

    private const int PaymasterLength = 20;
    private const int GasLength = 16;

    /// <summary>From the packed form. It must have a paymaster and no initCode.</summary>
    public static UserOperation From(PackedUserOperation packed)
    {
        var (verificationGasLimit, callGasLimit) = UserOperations.Unpack(packed.AccountGasLimits);
        var (maxPriorityFeePerGas, maxFeePerGas) = UserOperations.Unpack(packed.GasFees);
        var (paymasterVerificationGasLimit, paymasterPostOpGasLimit) = UserOperations.Unpack(packed.PaymasterAndData[PaymasterLength..(PaymasterLength + (2 * GasLength))]);
        return new UserOperation
        {
            Sender = packed.Sender,
            Nonce = Quantity(packed.Nonce),
            CallData = packed.CallData.ToHex(prefix: true),
            CallGasLimit = Quantity(callGasLimit),
            VerificationGasLimit = Quantity(verificationGasLimit),
            PreVerificationGas = Quantity(packed.PreVerificationGas),
            MaxFeePerGas = Quantity(maxFeePerGas),
            MaxPriorityFeePerGas = Quantity(maxPriorityFeePerGas),
            Paymaster = packed.PaymasterAndData[..PaymasterLength].ToHex(prefix: true),
            PaymasterVerificationGasLimit = Quantity(paymasterVerificationGasLimit),
            PaymasterPostOpGasLimit = Quantity(paymasterPostOpGasLimit),
            PaymasterData = packed.PaymasterAndData[(PaymasterLength + (2 * GasLength))..].ToHex(prefix: true),
            Signature = packed.Signature.ToHex(prefix: true),
        };
    }

    /// <summary>The packed form, which is hashed and goes on chain.</summary>
    /// <exception cref="FormatException">A field is not hexadecimal or too large, or there is a factory.</exception>
    public PackedUserOperation ToPacked()
    {
        if (Factory is not null || FactoryData is not null)
        {
            throw new FormatException("factory: found one, expected none: the account is deployed before it acts.");
        }

        return new PackedUserOperation
        {
            Sender = Bytes(nameof(Sender), Sender, PaymasterLength).ToHex(prefix: true),
            Nonce = Number(nameof(Nonce), Nonce, 32),
            InitCode = [],
            CallData = Bytes(nameof(CallData), CallData),
            AccountGasLimits = UserOperations.AccountGasLimits(
                Number(nameof(VerificationGasLimit), VerificationGasLimit, GasLength), Number(nameof(CallGasLimit), CallGasLimit, GasLength)),
            PreVerificationGas = Number(nameof(PreVerificationGas), PreVerificationGas, 32),
            GasFees = UserOperations.GasFees(
                Number(nameof(MaxPriorityFeePerGas), MaxPriorityFeePerGas, GasLength), Number(nameof(MaxFeePerGas), MaxFeePerGas, GasLength)),
            PaymasterAndData = new ABIEncode().GetABIEncodedPacked(
                new ABIValue("bytes", Bytes(nameof(Paymaster), Paymaster, PaymasterLength)),
                new ABIValue("uint128", Number(nameof(PaymasterVerificationGasLimit), PaymasterVerificationGasLimit, GasLength)),
                new ABIValue("uint128", Number(nameof(PaymasterPostOpGasLimit), PaymasterPostOpGasLimit, GasLength)),
                new ABIValue("bytes", Bytes(nameof(PaymasterData), PaymasterData))),
            Signature = Bytes(nameof(Signature), Signature),
        };
    }

    private static string Quantity(BigInteger number) => "0x" + (number.IsZero ? "0" : number.ToString("x", CultureInfo.InvariantCulture).TrimStart('0'));

    private static byte[] Bytes(string field, string value, int? length = null)
    {
        var isBytes = value.StartsWith("0x", StringComparison.Ordinal) && value.Length % 2 == 0 && value.AsSpan(2).ContainsAnyExcept(HexDigits) is false;
        return isBytes && (length is null || value.Length == 2 + (2 * length))
            ? value.HexToByteArray()
            : throw new FormatException($"{field}: found '{value}', expected 0x and {(length is null ? "an even number of" : 2 * length)} hex digits.");
    }

    private static BigInteger Number(string field, string value, int bytes) =>
        value.StartsWith("0x", StringComparison.Ordinal) && value.Length > 2 && value.Length <= 2 + (2 * bytes) && value.AsSpan(2).ContainsAnyExcept(HexDigits) is false
            ? BigInteger.Parse("0" + value[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : throw new FormatException($"{field}: found '{value}', expected 0x and 1 – {2 * bytes} hex digits.");

    private static readonly System.Buffers.SearchValues<char> HexDigits = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");
}
